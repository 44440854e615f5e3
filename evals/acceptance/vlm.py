"""Questions that only the picture answers, put to the shipped embedded model, and again with another picture.

What the model makes of evidence follows, from ``explaining``.

People are those that training held out, of the sets it learnt from: nothing else has the facts. The wording of the
questions is one that training never used. Greedy, in process, float32, through the product's own backend. Asks every
question twice: once with the right picture, once with another person's.
"""

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from evals.acceptance import MissingSet, Row, explaining, labels, wilson
from evals.data.synthesis.measured_faces import MeasuredFace, measure_face
from evals.data.synthesis.question_crops import augmented_crop, load_or_make_crops
from evals.data.training_sets import TRAINING_SETS
from evals.data.visual_questions import CORE_TOPICS, VisualQuestion, build_questions, face_facts
from evals.views import portraits
from faceagent.settings import Settings
from faceagent.vlm.dialogue import show_picture
from faceagent.vlm.local import TransformersBackend, local
from faceagent.vlm.protocol import GenerationRequest, Message

MOST = 150
"""Held-out pictures taken of one set."""
EACH = 40
"""Questions of one topic."""
SEED = 4
BAR, GAP = 0.80, 0.20
PLAIN = (("What is the capital of France?", "Paris"), ("What is the capital of Italy?", "Rome"))

BARE = ("Eye Color", "Makeup", "Hair Color", "Hair Style", "Expression", "Eye Gaze")
"""Conditions of sfhq_t2i_tiles whose generated people wear glasses where the caption says so, and hardly elsewhere."""

Item = tuple[bytes, VisualQuestion]


def rows(data: Path, settings: Settings) -> Iterator[Row]:
    """Accuracy per topic, their mean, and what is left of it with the wrong picture."""
    model = local(settings)
    items = questions(data, settings)
    means: dict[bool, list[float]] = {False: [], True: []}
    for topic, asked in items.items():
        for swapped in (False, True):
            hits = sum(answers(model, asked, swapped=swapped))
            low, high = wilson(hits, len(asked))
            means[swapped].append(hits / len(asked))
            figure = f"{topic}, another's picture" if swapped else topic
            yield Row("held-out people", figure, hits / len(asked), low, high, len(asked))
    right, other = (float(np.mean(means[swapped])) for swapped in (False, True))
    count = sum(len(asked) for asked in items.values())
    yield Row("held-out people", "questions only the picture answers, mean", right, n=count, bar=BAR)
    yield Row("held-out people", "points above another's picture", right - other, n=count, bar=GAP)
    for adapter in (None, "vqa", "expression", "forgery", "identity"):
        said = [
            word in model.ask(GenerationRequest(turns=(Message(text=text),), adapter=adapter, max_tokens=16)).text
            for text, word in PLAIN
        ]
        yield Row("plain text", f"adapter {adapter or 'off'}", float(np.mean(said)), n=len(said))
    yield from explaining.rows(data, settings, model)


def questions(data: Path, settings: Settings) -> dict[str, list[Item]]:
    """Topic to pictures and questions, every answer equally often."""
    faces = [one for name in TRAINING_SETS for one in held_out(name, data, settings)]
    if not faces:
        raise MissingSet(f"none of the sets that training drew from is below {data}")
    found: dict[str, dict[str, list[Item]]] = {topic: defaultdict(list) for topic in CORE_TOPICS}
    with tempfile.TemporaryDirectory() as folder:
        made = load_or_make_crops(Path(folder), faces, SEED)
        for index, one in enumerate(faces):
            rng = np.random.default_rng((SEED, index))
            for topic in CORE_TOPICS:
                # Light is varied, or there would hardly be a dark picture; everything else is shown as it is.
                spliced, vary = topic == "altered", topic == "light"
                bare = "no" if one.caption.get("condition") in BARE else None
                known = face_facts(one, bare if "glasses" not in one.caption.get("query_label", "") else None)
                pixels, now = augmented_crop(made, index, known, rng, spliced=spliced, vary=vary)
                for asked in build_questions(now, [topic], rng, held_out=True):
                    found[topic][asked.answer].append((show_picture(pixels), asked))
    return {topic: _balanced(answers) for topic, answers in found.items()}


def held_out(name: str, data: Path, settings: Settings) -> Iterator[MeasuredFace]:
    """The measurable faces of up to ``MOST`` held-out pictures of a set."""
    if not (data / name / "labels.csv").is_file():
        return
    lines = {row["file"]: row for row in labels(data, name)}
    kept = [str(file.relative_to(data / name)) for file in explaining.held_out(data, name)]
    order = np.random.default_rng(SEED).permutation(len(kept))[:MOST]
    for file, found in portraits(data / name, [kept[place] for place in order], settings):
        one = measure_face(name, data / name, file, found, lines[file])
        if one is not None:
            yield one


def answers(model: TransformersBackend, items: Iterable[Item], *, swapped: bool) -> list[bool]:
    """Right or wrong; ``swapped`` shows the picture of the next item but a third of them on."""
    listed = list(items)
    shown = [
        listed[(place + len(listed) // 3) % len(listed)][0] if swapped else item[0] for place, item in enumerate(listed)
    ]
    return [
        model.ask(
            GenerationRequest(turns=(Message(text=asked.question, images=(picture,)),), adapter="vqa", max_tokens=4)
        ).text.strip()
        == asked.answer
        for picture, (_, asked) in zip(shown, listed, strict=True)
    ]


def _balanced(answers: dict[str, list[Item]]) -> list[Item]:
    each = min([len(items) for items in answers.values()] + [EACH // max(1, len(answers))])
    mixed = [item for items in answers.values() for item in items[:each]]
    return [mixed[place] for place in np.random.default_rng(SEED).permutation(len(mixed))]
