"""Who is meant and how thoroughly to look, from the probabilities that the reader gives details."""

from faceagent.router.grammar import grammar
from faceagent.router.plan import Depth, FaceReference
from faceagent.router.reader import SLOTS, Reading

ABSENT_DETAIL, ABSENT_OF_LONG = 0.08, 0.2
"""Probability below which a detail of the rules describes nobody in the picture; the second where it is the likeliest
of many pieces."""
ADDED_DETAIL, SURE_OF_LONG, LIKELY_DETAIL = 0.75, 0.85, 0.4
"""Probability from which a detail is added; of many pieces; and where a turn must name somebody."""
SURE_DEPTH = 0.3
"""Probability from which a text asks for a thorough or a quick look."""


def absent_details(reading: Reading, *, is_long: bool) -> frozenset[str]:
    """Details that no word of the turn means."""
    least = ABSENT_OF_LONG if is_long else ABSENT_DETAIL
    return frozenset(name for name, share in reading.details.items() if share < least and not name.startswith("depth"))


def read_depth(reading: Reading) -> Depth:
    """How thorough a look the text asks for."""
    deep, brief = (reading.details.get(f"depth:{name}", 0.0) for name in ("deep", "brief"))
    return "normal" if max(deep, brief) < SURE_DEPTH else "deep" if deep > brief else "brief"


def added_faces(reading: Reading, least: float = ADDED_DETAIL) -> tuple[FaceReference, ...]:
    """The person whom the reader is sure of, or everybody."""
    sure = [name.partition(":") for name, share in reading.details.items() if share >= least]
    found: dict[str, object] = {kind: value for kind, _, value in sure if kind in SLOTS}
    words = tuple(value for kind, _, value in sure if kind == "word")
    if not found and not words:
        return (FaceReference(every=True),) if any(kind == "every" for kind, _, _ in sure) else ()
    heads = grammar().tables["people"]
    return (FaceReference.model_validate({**found, "words": tuple(sorted(words, key=lambda word: word not in heads))}),)
