"""Training samples of the embedded model's adapters: short questions and explanations, per topic.

A label question is about the picture alone; its answer is the label of the set, or what the maker did. An explanation
is about simulated evidence (``simulated_cases``). Pictures are written as the crops that the model takes.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.data.synthesis.degradation import compress
from evals.data.synthesis.located_faces import read_pixels
from evals.data.synthesis.measured_faces import MeasuredFace
from evals.data.synthesis.records import LabelledCrop
from evals.data.synthesis.splice import draw_regions, self_blend, splice, untouched
from evals.data.training_sets import EXPRESSION_LABELS, EXPRESSION_SET
from faceagent import judge
from faceagent.explain import explanation_prompt
from faceagent.settings import Settings
from faceagent.tools.base import View
from faceagent.tools.forgery import Forgery
from faceagent.types import Evidence, Face, Question
from faceagent.vlm.label import CHOICES, question
from finetune.data.samples import SamplePicture, TrainingSample
from finetune.text import simulated_cases as imagined
from finetune.text.case import ExplanationCase
from finetune.text.templates import template_sample as told_in_few_words

BANK = 60
"""Faces whose forgery evidence is measured; their scores are drawn anew per sample."""
QUALITY = (70, 96)


def expression_samples(
    faces: Sequence[MeasuredFace], data: Path, out: Path, settings: Settings, count: int, seed: int
) -> Iterator[TrainingSample]:
    """``count`` label questions, as many with the evidence in the prompt, and as many explanations."""
    with (data / EXPRESSION_SET / "labels.csv").open(newline="", encoding="utf-8") as table:
        labels = {row["file"]: EXPRESSION_LABELS.get(row["emotion"], row["emotion"]) for row in csv.DictReader(table)}
    mine = [one for one in faces if one.found.origin == EXPRESSION_SET]
    truth = [labels[Path(one.found.path).relative_to(data / EXPRESSION_SET).as_posix()] for one in mine]
    rng = np.random.default_rng(seed)
    for beside in (False, True):
        for number, place in enumerate(_repeated_order(len(mine), count, rng)):
            one = mine[place]
            shot = _write_picture(untouched(one.portrait()), out, f"label-{_name(one)}", rng)
            name = f"expression/{'beside' if beside else 'label'}/{number}"
            evidence = (
                imagined.read_expression(imagined.jittered_face(one, rng, jitter=0.05), settings) if beside else ()
            )
            told = explanation_prompt.select_evidence(
                judge.weigh("expression", imagined.jittered_face(one, rng), evidence), evidence
            )
            yield _label_sample("expression", name, shot, one.found.source, truth[place], seed, told)
    cases = [
        imagined.simulate_expression(f"expression/{n}", SamplePicture(path=""), "", one, settings, seed + n)
        for n, one in enumerate(faces)
    ]
    for number, place in enumerate(_balanced_order([case.verdict.firm_label for case in cases], count, rng)):
        made = told_in_few_words(_with_picture(cases[place], number, faces, faces[place], out, rng), seed)
        if isinstance(made, TrainingSample):
            yield made


def forgery_samples(
    faces: Sequence[MeasuredFace], out: Path, settings: Settings, count: int, seed: int
) -> Iterator[TrainingSample]:
    """``count`` questions "real or fake", each face untouched and forged, and as many explanations."""
    rng = np.random.default_rng((seed, 1))
    for number in range(count // 2):
        one, donor = _pair(faces, rng)
        regions = draw_regions(rng)
        target = one.portrait()
        forged = (
            self_blend(target, regions, rng) if rng.random() < 0.25 else splice(target, donor.portrait(), regions, rng)
        )
        quality = int(rng.integers(*QUALITY))
        for record, answer in ((untouched(target), "real"), (forged, "fake")):
            name = f"forgery/label/{number}-{answer}"
            shot = _write_picture(record, out, f"{seed}-{name}", rng, quality)
            yield _label_sample("forgery", name, shot, one.found.source, answer, seed)
    bank = _forgery_evidence(faces, settings, rng)
    for number in range(count):
        one, (face, evidence) = faces[int(rng.integers(len(faces)))], bank[int(rng.integers(len(bank)))]
        shot = _write_picture(untouched(one.portrait()), out, f"any-{_name(one)}", rng)
        name, source = f"forgery/{number}", one.found.source
        case = imagined.simulate_forgery(name, shot, source, evidence, face, seed + number)
        made = told_in_few_words(case, seed + number)
        if isinstance(made, TrainingSample):
            yield made


def identity_samples(
    faces: Sequence[MeasuredFace], out: Path, settings: Settings, count: int, seed: int
) -> Iterator[TrainingSample]:
    """``count`` explanations of comparisons."""
    rng = np.random.default_rng((seed, 2))
    bank = _forgery_evidence(faces, settings, rng)
    for number in range(count):
        one, (_, evidence) = faces[int(rng.integers(len(faces)))], bank[int(rng.integers(len(bank)))]
        shot = _write_picture(untouched(one.portrait()), out, f"any-{_name(one)}", rng)
        case = imagined.simulate_identity(f"identity/{number}", shot, one.found.source, evidence, seed + number)
        made = told_in_few_words(case, seed + number)
        if isinstance(made, TrainingSample):
            yield made


def _label_sample(
    topic: Question, name: str, shot: SamplePicture, source: str, answer: str, seed: int, told: Sequence[Evidence] = ()
) -> TrainingSample:
    if answer not in CHOICES[topic]:
        raise ValueError(f"{answer!r} is no answer to {topic}")
    return TrainingSample(
        id=name,
        images=(shot,),
        prompt=question(topic, lines=explanation_prompt.prompt_lines(told)),
        answer=answer,
        question=topic,
        source=source,
        seed=seed,
        meta={"engine": "beside" if told else "label", "label": answer},
    )


def _with_picture(
    case: ExplanationCase,
    number: int,
    faces: Sequence[MeasuredFace],
    donor: MeasuredFace,
    out: Path,
    rng: np.random.Generator,
) -> ExplanationCase:
    """The case with a picture of the same side of the split: the donor's own in one of two, else a random one."""
    sides = [one for one in faces if one.held_out == donor.held_out]
    one = donor if rng.random() < 0.5 else sides[int(rng.integers(len(sides)))]
    shot = _write_picture(untouched(one.portrait()), out, f"any-{_name(one)}", rng)
    return ExplanationCase(f"expression/{number}", (shot,), one.found.source, case.evidence, case.verdict, case.truth)


def _repeated_order(size: int, count: int, rng: np.random.Generator) -> list[int]:
    """``count`` indices below ``size``, each equally often, in random order."""
    rounds = [rng.permutation(size) for _ in range(-(-count // size))]
    return [int(place) for place in np.concatenate(rounds)[:count]]


def _balanced_order(labels: Sequence[str], count: int, rng: np.random.Generator) -> list[int]:
    """``count`` indices, every label as often as possible; an index may repeat where its label is rare."""
    places: dict[str, list[int]] = defaultdict(list)
    for place in rng.permutation(len(labels)):
        places[labels[place]].append(int(place))
    names = sorted(places)
    return [places[names[n % len(names)]][n // len(names) % len(places[names[n % len(names)]])] for n in range(count)]


def _pair(faces: Sequence[MeasuredFace], rng: np.random.Generator) -> tuple[MeasuredFace, MeasuredFace]:
    """A face and, of eight others of its set and side of the split, the one with the most similar shape."""
    one = faces[int(rng.integers(len(faces)))]
    near = [two for two in faces if two.found.origin == one.found.origin and two.held_out == one.held_out]
    drawn = [near[int(place)] for place in rng.integers(len(near), size=8)]
    others = [two for two in drawn if two.found.source != one.found.source] or drawn
    return one, min(others, key=lambda two: one.found.shape_distance(two.found))


def _forgery_evidence(
    faces: Sequence[MeasuredFace], settings: Settings, rng: np.random.Generator
) -> list[tuple[Face, tuple[Evidence, ...]]]:
    """Faces and the evidence of the forgery detector about them."""
    tool, kept = Forgery(settings), []
    for place in rng.choice(len(faces), min(BANK, len(faces)), replace=False):
        face = imagined.jittered_face(faces[int(place)], rng)
        kept.append((face, tool.run([_view(face, read_pixels(faces[int(place)].found))])[0]))
    return kept


def _view(face: Face, pixels: NDArray[np.uint8]) -> View:
    """The view of a face with changed blendshapes, on the pixels of its picture."""
    view = imagined.blank_view(face)
    return View(view.picture, lambda: pixels, view.original, face)


def _write_picture(
    record: LabelledCrop, out: Path, name: str, rng: np.random.Generator, quality: int | None = None
) -> SamplePicture:
    """The crop as PNG below ``out``, after a JPEG of ``quality`` (drawn when None)."""
    drawn = int(rng.integers(*QUALITY)) if quality is None else quality
    file = out / "pictures" / f"{''.join(letter if letter.isalnum() else '-' for letter in name)}.png"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = compress(record.pixels, ".jpg", drawn)
        cv2.imwrite(str(file), np.ascontiguousarray(pixels[:, :, ::-1]))
    return SamplePicture(path=f"pictures/{file.name}")


def _name(one: MeasuredFace) -> str:
    """File name of a face's picture, independent of where the sets are."""
    return "-".join((one.found.origin, *Path(one.found.path).parts[-2:]))
