"""Texts that compare a face with a reference: same person, look-alike, or a forgery of the person.

After VIPGuard (2025): six regions, each flagged same, different or not visible, the similarity given as
N/100. Similarity never decides: forgeries reach the high nineties, so a set in which one threshold on it would do is
refused. Knows no network; the evidence is measured elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from faceagent.errors import InputError
from faceagent.types import INCONCLUSIVE, Evidence, Region, Step
from finetune.engines.answers import Case, Rejected, faults, sampled
from finetune.engines.grammar import say
from finetune.engines.record import Sample

TABLE: tuple[tuple[str, Region], ...] = (
    ("Outer face", "outer_face"),
    ("Eyes", "left_eye"),
    ("Eyes", "right_eye"),
    ("Nose", "nose"),
    ("Mouth", "mouth"),
    ("Skin", "skin"),
)
FLAGS = {"same": "same", "different": "different", "not visible": "hidden"}
"""Label of a region's evidence → kind of phrase; any other label is refused."""
SEPARABLE = 0.95
"""Balanced accuracy of the best single threshold on the similarity from which a set would teach just that."""


def similarity(cosine: float) -> int:
    """A cosine as N/100: 0 for the opposite, 100 for the same vector."""
    return round(50 * (1 + max(-1.0, min(1.0, cosine))))


def compared(case: Case, seed: int) -> Sample | Rejected:
    """A pair in words: regions, similarity, forgery, verdict.

    The evidence has one item with a cosine, one per region, labelled by ``FLAGS``, and any about forgery, told where
    its label fits the truth. Rejected
    when the verdict is not the truth or a region's label is unknown.
    """
    label = case.verdict.label
    if label not in (case.truth, INCONCLUSIVE):
        return Rejected(case.id, f"the verdict {label} is not the truth, {case.truth}")
    regional = {item.region: item for item in case.evidence if item.question == "identity" and item.region is not None}
    odd = sorted(str(item.label) for item in regional.values() if item.label not in FLAGS)
    if odd:
        return Rejected(case.id, f"a region is labelled {odd[0]!r}")
    case = replace(case, evidence=tuple(_rescaled(item) for item in case.evidence))
    cosine = next((item for item in case.evidence if item.score and item.score.scale == "cosine"), None)
    if cosine is None or cosine.score is None:
        return Rejected(case.id, "no similarity was measured")
    rng = np.random.default_rng((seed, 13))
    number = similarity(cosine.score.value)
    hint = Step(section="Overall", text=say(rng, "identity", "similarity", n=str(number)), cites=(cosine.id,))
    steps = [*_regions(rng, regional), hint, *_forgery(rng, case), _conclusion(rng, case)]
    struck = faults("identity", steps, case)
    if struck:
        return Rejected(case.id, f"Not measured: {struck[0]}")
    shown = [item for item in case.evidence if item.status == "ok"]
    return sampled(case, steps, shown, seed, engine="identity", similarity=number)


def not_decisive(samples: Sequence[Sample]) -> float:
    """Balanced accuracy of the best threshold on the similarity, same person against the rest.

    Raises InputError when that is ``SEPARABLE`` or more, or when one side is missing.
    """
    pairs = [(int(str(one.meta["similarity"])), one.meta["truth"] == "same_person") for one in samples]
    same, rest = [n for n, yes in pairs if yes], [n for n, yes in pairs if not yes]
    if not same or not rest:
        raise InputError("Pairs of the same person and others are both needed.")
    best = max(
        (np.mean([n >= line for n in same]) + np.mean([n < line for n in rest])) / 2 for line in range(102)
    )  # fmt: skip
    if best >= SEPARABLE:
        raise InputError(
            f"One threshold on the similarity tells the pairs apart ({best:.2f} balanced accuracy).",
            remedy="Add look-alikes and forgeries of the person with a high similarity.",
        )
    return float(best)


def _rescaled(item: Evidence) -> Evidence:
    """``item``, and a cosine also as N/100, so that the prompt shows the number and the check knows it."""
    if item.score is None or item.score.scale != "cosine":
        return item
    return item.model_copy(update={"statement": f"{item.statement} As N/100: {similarity(item.score.value)}/100."})


def _regions(rng: np.random.Generator, regional: Mapping[Region, Evidence]) -> list[Step]:
    steps = []
    for section, part in TABLE:
        item = regional.get(part)
        if item is not None:
            kind = FLAGS[str(item.label)]
            slots = {"region": part.replace("_", " "), "statement": item.statement}
            steps.append(Step(section=section, text=say(rng, "identity", kind, **slots), cites=(item.id,)))
    return steps


def _forgery(rng: np.random.Generator, case: Case) -> list[Step]:
    items = [item for item in case.evidence if item.question in ("forgery", "morph") and item.region is None]
    suspicious = case.truth == "forged"
    return [
        Step(
            section="Overall",
            text=say(rng, "identity", "forged" if suspicious else "clean", statement=item.statement),
            cites=(item.id,),
        )
        for item in items
        if item.label in (("forged", "morph") if suspicious else ("bona_fide",))
    ]


def _conclusion(rng: np.random.Generator, case: Case) -> Step:
    label = case.verdict.label.replace("_", " ")
    return Step(section="Conclusion", text=say(rng, "identity", "conclude", label=label), cites=(case.verdict.id,))
