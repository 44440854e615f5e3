"""The record of training samples for vision-language models, stored as JSON lines.

A sample has pictures, a ``prompt`` and an ``answer``. Its ``source`` keeps a person on one side of the split; its
``seed`` makes it reproducible.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from pydantic import Field

from evals.data.held_out import is_held_out
from faceagent.atomic_write import atomic_write
from faceagent.errors import InputError
from faceagent.types import FrozenModel, Question

LARGEST_SHARE, ENOUGH = 0.9, 20
"""Largest share of one label among the training samples of a question, from ``ENOUGH`` samples on."""

Value = str | int | float | bool | tuple[str, ...]


class SamplePicture(FrozenModel):
    """One picture: a file, or the maker and the parameters that reproduce the pixels."""

    path: str | None = Field(default=None, description="relative to the data folder")
    maker: str | None = Field(default=None, description='"splice", "self_blend", "morph"; None: the file itself')
    parameters: Mapping[str, Value] = Field(default_factory=dict)


class TrainingSample(FrozenModel):
    """One training sample.

    All samples of a ``source`` (a person, or a generated picture) lie on one side of the split.
    """

    id: str = Field(min_length=1)
    images: tuple[SamplePicture, ...] = ()
    system: str | None = None
    prompt: str = Field(min_length=1)
    answer: str = Field(min_length=1)
    rejected: str | None = Field(default=None, description="preference only: what must not be answered")
    question: Question
    source: str = Field(min_length=1, description='"set:person" or "set:file"')
    seed: int = Field(ge=0)
    meta: Mapping[str, Value] = Field(default_factory=dict, description="engine, label, checks passed, …; never read")

    @property
    def held_out(self) -> bool:
        """Whether the source belongs to validation, see ``is_held_out``."""
        return is_held_out(self.source)


def write_samples(samples: Iterable[TrainingSample], target: Path) -> int:
    """Write one JSON object per line, atomically. Returns the number of samples."""
    target.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with atomic_write(target) as temporary, temporary.open("w", encoding="utf-8") as file:
        for sample in samples:
            file.write(sample.model_dump_json(exclude_defaults=True) + "\n")
            count += 1
    return count


def read_samples(source: Path) -> Iterator[TrainingSample]:
    """Samples of a file, in order. Raises InputError that names the line."""
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{source} cannot be read: {error}.") from error
    # str.splitlines would also break at U+2028 and its kin, which JSON leaves unescaped inside strings.
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], 1):
        try:
            yield TrainingSample.model_validate(json.loads(line))
        except ValueError as error:
            raise InputError(f"{source.name}, line {number} is no sample: {str(error).splitlines()[0]}.") from error


def split_samples(
    samples: Iterable[TrainingSample],
    label: Callable[[TrainingSample], str] = lambda sample: str(sample.meta.get("label", "")),
) -> tuple[list[TrainingSample], list[TrainingSample]]:
    """Training and validation side of ``samples``.

    Raises InputError for what would make results wrong: an empty side, a repeated id, a picture on both sides, the same
    question with the same answer on both sides, or one label in nine tenths of a question's samples.
    """
    everything = list(samples)
    sides = ([one for one in everything if not one.held_out], [one for one in everything if one.held_out])
    if not all(sides):
        raise InputError(
            f"{len(sides[0])} samples to train on and {len(sides[1])} to validate: both sides need some.",
            remedy="Give more sources; one in ten is kept for validation.",
        )
    ids = [one.id for one in everything]
    if len(set(ids)) != len(ids):
        twice = next(name for place, name in enumerate(ids) if name in ids[:place])
        raise InputError(f"The sample {twice!r} stands twice.", remedy="Give every engine its own prefix of ids.")
    _disjoint(*sides)
    _balanced(sides[0], label)
    return sides


def _disjoint(train: list[TrainingSample], held: list[TrainingSample]) -> None:
    known = {shot.path for one in train for shot in one.images if shot.path}
    leaked = sorted({shot.path for one in held for shot in one.images if shot.path} & known)
    if leaked:
        raise InputError(
            f"{len(leaked)} pictures lie on both sides, {leaked[0]} among them.",
            remedy="Name the same source for every sample of a picture.",
        )
    said = {_content_of(one) for one in train}
    again = [one.id for one in held if _content_of(one) in said]
    if again:
        raise InputError(f"{len(again)} validation samples are training samples, {again[0]!r} among them.")


def _content_of(sample: TrainingSample) -> str:
    return sample.model_dump_json(include={"images", "prompt", "answer"})


def _balanced(train: list[TrainingSample], label: Callable[[TrainingSample], str]) -> None:
    for question in sorted({one.question for one in train}):
        labels = [label(one) for one in train if one.question == question]
        most = max(set(labels), key=lambda name: (labels.count(name), name))
        if len(labels) >= ENOUGH and most and labels.count(most) > LARGEST_SHARE * len(labels):
            raise InputError(
                f"{labels.count(most)} of {len(labels)} samples about {question} say {most!r}.",
                remedy="Add samples of the other labels: a model would learn to say this one unseen.",
            )
