"""Preference pairs by swapped evidence: the answer to this evidence is preferred to the answer to another's.

The rejected answer is a good answer to another case of the same question and engine, so only the evidence distinguishes
the two. Partners lie on the same side of the split and have another label where one exists.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from finetune.data.samples import TrainingSample


def swapped_samples(samples: Sequence[TrainingSample], seed: int) -> Iterator[TrainingSample]:
    """One preference sample per sample with a partner, in order."""
    rng = np.random.default_rng(seed)
    pools: dict[tuple[object, ...], list[TrainingSample]] = {}
    for sample in samples:
        pools.setdefault(_kind(sample), []).append(sample)
    for sample in samples:
        partner = _partner(sample, pools[_kind(sample)], rng)
        if partner is not None:
            meta = {**sample.meta, "engine": "swap", "swapped_with": partner.id}
            yield sample.model_copy(update={"id": f"{sample.id}#swap", "rejected": partner.answer, "meta": meta})


def _kind(sample: TrainingSample) -> tuple[object, ...]:
    return sample.question, sample.held_out, sample.meta.get("engine")


def _partner(sample: TrainingSample, pool: Sequence[TrainingSample], rng: np.random.Generator) -> TrainingSample | None:
    """A sample of another source with another label, else with another answer, else None."""
    second: TrainingSample | None = None
    for place in rng.permutation(len(pool)):
        other = pool[int(place)]
        if other.source == sample.source or other.answer == sample.answer:
            continue
        if other.meta.get("label") != sample.meta.get("label"):
            return other
        second = second or other
    return second
