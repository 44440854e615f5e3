"""``SHA256SUMS``: the hashes of the files of a folder, in the format of the program sha256sum, checked before loading.

For weights that no catalogue entry names: those that come with the package, and what is assembled from them.
"""

from collections.abc import Iterable
from pathlib import Path

from faceagent.atomic_write import atomic_write
from faceagent.errors import WeightsCorrupt
from faceagent.weights.store import sha256_of

SUMS = "SHA256SUMS"


def write_sums(folder: Path, names: Iterable[str]) -> None:
    """Write the hashes of these files; the names are relative to ``folder``, with slashes."""
    lines = [f"{sha256_of(folder / name)}  {name}\n" for name in sorted(names)]
    with atomic_write(folder / SUMS) as draft:
        draft.write_text("".join(lines), encoding="utf-8")


def verify_sums(folder: Path, names: Iterable[str] | None = None, *, remedy: str) -> None:
    """Compare files with their recorded hashes: those named, or all that are recorded.

    Raises WeightsCorrupt, which names the file, for another hash, a missing file, and one without a recorded hash.
    """
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
        sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    except (OSError, ValueError) as error:
        raise WeightsCorrupt(f"{folder / SUMS} cannot be read.", remedy=remedy) from error
    for name in sums if names is None else names:
        try:
            found = sha256_of(folder / name)
        except OSError as error:
            raise WeightsCorrupt(f"{folder / name} cannot be read.", remedy=remedy) from error
        if found != sums.get(name):
            raise WeightsCorrupt(f"{folder / name} has sha256 {found}, expected {sums.get(name)}.", remedy=remedy)
