"""The training stages of the command line: each reads what the previous one left in the work folder.

The hyperparameters of the shipped model are here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from evals.data.synthesis.measured_faces import MeasuredFace
from evals.data.synthesis.question_crops import load_or_make_crops
from evals.data.visual_questions import CORE_TOPICS
from faceagent.explain.explanation_prompt import SECTIONS
from faceagent.settings import Settings, load
from faceagent.types import Question
from faceagent.vlm.embedded_model import LANGUAGE, PROJECTOR, TOWER, write_model_folder
from faceagent.weights import locate
from finetune.data.samples import write_samples
from finetune.text import adapter_samples as curriculum
from finetune.vlm.embedded import feature_bank as bank
from finetune.vlm.embedded import projector
from finetune.vlm.embedded.data import read_all_faces, read_faces
from finetune.vlm.embedded.evaluate import format_summary, grade_answers
from finetune.vlm.embedded.export import export_adapter, export_projector
from finetune.vlm.embedded.glasses import predict_glasses
from finetune.vlm.embedded.sampling import sample_examples
from finetune.vlm.embedded.text_samples import load_examples, plain_examples
from finetune.vlm.embedded.train import AdapterPlan, load_base, train_adapter, with_adapter

SEED = 0
SAMPLES = "samples"
"""Folder of the written samples, in the work folder."""
EPOCHS = 4
"""Epochs of the projector."""
GAIN = 1.6
"""Factor on the trained projector's output: uncertain answers are shorter than word embeddings."""
VQA = AdapterPlan("vqa", steps=600, batch=8, lr=1e-3, check_every=25)
COMMON = AdapterPlan("common", steps=720, batch=4, lr=8e-4, check_every=20)
"""The common start of the explanation adapters, trained on all their samples."""
ADAPTER = AdapterPlan("adapter", steps=800, batch=4, lr=1e-3, check_every=20)
PLAIN_TIMES = 8
"""Repetitions of each plain question among the examples."""
LEARNT: Mapping[str, int] = {
    "muxspace_expressions": 1,
    "frll_london": 1,
    "sfhq_t2i_tiles": 1,
    "sfhq_tiles": 1,
    "fairface_train_4k": 3,
}
"""Sets that samples are made of; every n-th face is used, because FairFace would be half of them."""
EACH: Mapping[Question, int] = {"expression": 800, "forgery": 800, "identity": 600}
"""Samples per topic and kind."""
SAMPLES_SEED = 7
FIRST = "vqa"
"""The adapter for questions about the picture; the other adapters start from it."""


@dataclass(frozen=True)
class WorkFolders:
    """Folders of the data sets, of caches, and of finished weights."""

    data: Path
    folder: Path
    weights: Path

    @cached_property
    def settings(self) -> Settings:
        """Settings of the product, for finding faces."""
        return load()

    def faces(self) -> list[MeasuredFace]:
        """Every measured face of the training sets."""
        return read_all_faces(self.data, self.folder / "faces", self.settings)

    def fresh(self) -> tuple[Any, Any]:
        """The model with an untrained projector, and its tokenizer."""
        return self._made("fresh", None)

    def base(self) -> tuple[Any, Any]:
        """The model with the trained projector, and its tokenizer."""
        return self._made("base", load_file(self.weights / PROJECTOR))

    def _made(self, name: str, state: Any) -> tuple[Any, Any]:
        folder = self.folder / name
        if not folder.is_dir():
            write_model_folder(folder, locate(TOWER, self.settings), locate(LANGUAGE, self.settings), state)
        return load_base(folder)


@dataclass(frozen=True)
class BankSplit:
    """The bank with facts, and the row indices of both sides of the split."""

    seen: NDArray[np.float16]
    facts: list[dict[str, str]]
    train: NDArray[np.int64]
    held: NDArray[np.int64]


def run_bank(work: WorkFolders, part: int = 0, parts: int = 1) -> None:
    """Find faces, make crops, fill the feature bank."""
    faces = work.faces()
    data = load_or_make_crops(work.folder / "crops", faces, SEED)
    bank.fill_bank(work.folder / "bank", data, faces, work.fresh()[0], SEED, part, parts)


def load_split(work: WorkFolders) -> BankSplit:
    """The bank, with the probe's answers on glasses added to its facts."""
    held = bank.load_bank(work.folder / "bank")
    facts = [
        {**one.facts, **({"glasses": answer} if answer else {})}
        for one, answer in zip(held.pictures, predict_glasses(held, work.faces()), strict=True)
    ]
    out = np.array([one.held_out for one in held.pictures])
    return BankSplit(held.seen, facts, np.flatnonzero(~out), np.flatnonzero(out))


def run_projector(work: WorkFolders) -> dict[str, float]:
    """Train and export the projector; returns its balanced accuracy per topic on held-out people."""
    model, tokenizer = work.fresh()
    have = load_split(work)
    inner = model.model.multi_modal_projector
    projector.standardise(inner, have.seen[:500])
    reading = projector.ProjectorReadout(inner, model.model.language_model.embed_tokens.weight.detach(), tokenizer)
    wanted = projector.target_answers(have.facts)
    projector.train_projector(reading, have.seen[have.train], wanted[have.train], EPOCHS, SEED)
    found = projector.accuracy(reading, have.seen[have.held], wanted[have.held])
    with torch.no_grad():
        inner.linear_2.weight.mul_(GAIN)
        inner.linear_2.bias.mul_(GAIN)
    export_projector(inner.state_dict(), work.weights)
    return found


def run_vqa(work: WorkFolders, minutes: float = 0.0) -> None:
    """Train and export the adapter ``vqa``: questions that only the picture answers."""
    have = load_split(work)
    model, tokenizer = work.base()
    tuned = with_adapter(model, VQA)

    def check(step: int) -> str:
        found = {t: grade_answers(tuned, tokenizer, have.seen, have.facts, have.held, t, 18, SEED) for t in CORE_TOPICS}
        return f"held out after {step}: {format_summary(found)}"

    lines = sample_examples(have.seen, have.facts, have.train, VQA.steps * VQA.batch, SEED)
    train_adapter(tuned, tokenizer, lines, VQA, work.folder / VQA.name, check, minutes)
    export_adapter(tuned, FIRST, work.weights)


def run_samples(work: WorkFolders, each: Mapping[Question, int] | None = None) -> dict[str, int]:
    """Write the samples of the explanation adapters, ``samples/TOPIC.jsonl``, and pictures; returns the counts."""
    faces = [
        one
        for name, every in LEARNT.items()
        if (work.data / name).is_dir()
        for one in read_faces(name, work.data / name, work.folder / "faces", work.settings)[::every]
    ]
    out = work.folder / SAMPLES
    makers = {
        "expression": partial(curriculum.expression_samples, faces, work.data),
        "forgery": partial(curriculum.forgery_samples, faces),
        "identity": partial(curriculum.identity_samples, faces),
    }
    return {
        topic: write_samples(makers[topic](out, work.settings, count, SAMPLES_SEED), out / f"{topic}.jsonl")
        for topic, count in (each or EACH).items()
    }


def run_adapter(
    work: WorkFolders, name: str, begin: Path | None = None, minutes: float = 0.0, seed: int = SEED
) -> None:
    """Train the adapter ``name`` from ``vqa`` or ``begin``: explanations and labels, and some plain text.

    An adapter with the name of a topic is trained on that topic and exported; any other name is trained on all topics
    and stays in the work folder as a start for others. Another ``seed`` is another order of the samples, for a second
    round that starts from the first.
    """
    model, tokenizer = work.base()
    topics = (name,) if name in SECTIONS else tuple(EACH)
    lines = [
        one
        for topic in topics
        for one in load_examples(work.folder / SAMPLES / f"{topic}.jsonl", model, work.folder / "seen")
    ]
    plan = replace(ADAPTER if name in SECTIONS else COMMON, seed=seed)
    tuned = with_adapter(model, plan, begin or work.weights / FIRST)
    lines += plain_examples(tuned, tokenizer, work.folder / "plain.json") * PLAIN_TIMES
    train_adapter(tuned, tokenizer, lines, plan, work.folder / name, minutes=minutes)
    export_adapter(tuned, name, work.weights if name in SECTIONS else work.folder)


def run_evaluation(work: WorkFolders, count: int = 120) -> dict[str, tuple[list[bool], list[bool]]]:
    """Right or wrong per topic with the shipped ``vqa``, with the right picture and with another one."""
    have = load_split(work)
    model, tokenizer = work.base()
    tuned = with_adapter(model, VQA, work.weights / FIRST)

    def right(topic: str, *, swapped: bool) -> list[bool]:
        return grade_answers(tuned, tokenizer, have.seen, have.facts, have.held, topic, count, SEED, swapped=swapped)

    return {topic: (right(topic, swapped=False), right(topic, swapped=True)) for topic in CORE_TOPICS}
