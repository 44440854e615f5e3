"""What the file says about itself: date, camera, program, place, edits; and whether it was saved again."""

from collections.abc import Iterator, Mapping

from faceagent.agent.chat import phrases
from faceagent.agent.chat.reply.context import ReplyContext
from faceagent.router.plan import FileFact
from faceagent.tools.frequency import GRID_SEEN, PERIODIC
from faceagent.types import Evidence

FIELDS: Mapping[FileFact, tuple[tuple[str, ...], ...]] = {
    "date": (("exif_taken", "xmp_taken"), ("exif_digitised",), ("xmp_created",), ("exif_modified", "xmp_modified")),
    "camera": (
        ("exif_camera_make", "xmp_camera_make"),
        ("exif_camera_model", "xmp_camera_model"),
        ("exif_lens_model",),
    ),
    "software": (("exif_software", "xmp_software"), ("xmp_creator_tool",), ("generators",), ("generator",)),
    "edits": (("editors",), ("actions",)),
}
"""Facts of the evidence on provenance that answer; of each group the first that there is."""


def lines(context: ReplyContext) -> Iterator[str]:
    """The facts asked for, of every picture."""
    for item in context.state["items"]:
        yield from context.header(item)
        evidence = context.evidence_of(item)
        declared = False
        for fact in context.plan.file_facts:
            if fact == "resaved":
                yield from _resaved(context, item, evidence)
                continue
            values = _values(fact, evidence)
            declared |= bool(values)
            yield _told(context, fact, values, evidence)
        if declared:
            yield phrases.say(context.language, "fact_note")


def declared(context: ReplyContext, item: str) -> Iterator[str]:
    """Every fact that the file declares; nothing where it declares none."""
    evidence = context.evidence_of(item)
    found = [(fact, values) for fact in FIELDS if (values := _values(fact, evidence))]
    for fact, values in found:
        yield _told(context, fact, values, evidence)
    if found:
        yield phrases.say(context.language, "fact_note")


def _told(context: ReplyContext, fact: FileFact, values: list[str], evidence: list[Evidence]) -> str:
    language, name = context.language, phrases.file_fact(context.language, fact)
    if fact == "place":
        held = any(item.facts.get("gps_position") == "yes" for item in evidence)
        return phrases.say(language, "fact_place" if held else "fact_no_place")
    if values:
        return phrases.say(language, "fact", name=name, value=phrases.say(language, "comma").join(values))
    return phrases.say(language, "fact_missing", name=name)


def _values(fact: FileFact, evidence: list[Evidence]) -> list[str]:
    known = {key: str(value) for item in evidence if item.question == "provenance" for key, value in item.facts.items()}
    found = [next((known[key] for key in group if key in known), None) for group in FIELDS.get(fact, ())]
    return list(dict.fromkeys(value for value in found if value))


def _resaved(context: ReplyContext, item: str, evidence: list[Evidence]) -> Iterator[str]:
    """What the traces of repeated compression say."""
    language = context.language
    record = {one.id.rpartition(":")[2]: one for one in evidence}
    double, grid = record.get("double_jpeg"), record.get("jpeg_grid")
    if double is None and grid is None:
        yield phrases.say(language, "no_record")
        return
    cited = context.format_citations(item, [one.id for one in (double, grid) if one is not None])
    if _shifted(grid):
        key = "resaved_shifted"
    elif double is not None and double.score is not None:
        key = "resaved_yes" if double.score.value >= PERIODIC else "resaved_no"
    else:
        key = "resaved_unknown"
    yield phrases.say(language, key, cites=cited)


def _shifted(grid: Evidence | None) -> bool:
    """Whether a compression grid shows that does not lie where the file's own compression puts it."""
    if grid is None or grid.score is None or grid.score.value < GRID_SEEN:
        return False
    return any(grid.facts.get(axis) for axis in ("offset_x", "offset_y"))
