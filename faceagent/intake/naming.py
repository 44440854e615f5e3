"""Short names that tell the files of one request apart: as much of each path as makes it unique."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from faceagent.intake.sources import path_of, printable_name
from faceagent.types import Source


def name_apart(sources: Sequence[Source]) -> list[Source]:
    """The sources, of which paths that share a name are called by the shortest end of their path no other has.

    One file that is named twice keeps one name; what is no file keeps the name it has.
    """
    groups: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for source in sources:
        if source.kind == "path" and source.ref != "\0":
            groups[source.name][source.ref] = path_of(source).absolute().parts
    names = {ref: name for group in groups.values() if len(group) > 1 for ref, name in _apart(group).items()}
    return [
        source.model_copy(update={"name": names[source.ref]})
        if source.ref in names and source.kind == "path"
        else source
        for source in sources
    ]


def _apart(group: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """Of paths by ref, the shortest end that no other path of the group has."""
    names: dict[str, str] = {}
    length = 1
    while len(names) < len(group) and length <= max(map(len, group.values())):
        ends = Counter(parts[-length:] for parts in group.values())
        for ref, parts in group.items():
            if ref not in names and (ends[parts[-length:]] == 1 or length >= len(parts)):
                names[ref] = printable_name(str(Path(*parts[-length:])))
        length += 1
    return names
