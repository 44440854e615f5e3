"""Sets for the vision-language model, from pictures of people that its training held out.

``held_out_people``: pictures whose verdicts it explains. ``held_out_expressions``: labelled expressions.
``held_out_questions``: crops with one question each that only the picture answers, in a wording that training never
used, every answer of a topic equally often; ``swap`` names the crop of another person that is shown in its place.
"""

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from evals.data.folder import NAME as LABELS
from evals.data.folder import label_rows
from evals.data.held_out import FRLL, held_out_files, person, source_of
from evals.data.synthesis.measured_faces import MeasuredFace, measure_face
from evals.data.synthesis.question_crops import augmented_crop, load_or_make_crops
from evals.data.training_sets import EXPRESSION_LABELS, EXPRESSION_SET, TRAINING_SETS
from evals.data.visual_questions import CORE_TOPICS, build_questions, face_facts
from evals.synthetic_data import LabelRow, write_labels
from evals.views import portraits
from faceagent.errors import InputError
from faceagent.settings import Settings

PEOPLE, EXPRESSIONS, QUESTIONS = "held_out_people", "held_out_expressions", "held_out_questions"
PICTURES = 2
"""Pictures of every set whose verdicts are explained."""
PAIRS = 2
"""Pairs of one person, and as many of two people."""
FACES = 150
"""Faces of every set that questions are asked about, at most."""
EACH = 20
"""Questions of one topic."""
SEED = 4
BARE = ("Eye Color", "Makeup", "Hair Color", "Hair Style", "Expression", "Eye Gaze")
"""Conditions of sfhq_t2i_tiles whose generated people wear glasses where the caption says so, and hardly elsewhere."""


def held_out(data: Path) -> dict[str, list[str]]:
    """Held-out files by set. Raises InputError when none of the training sets is below ``data``."""
    found = {
        name: held_out_files(name, label_rows(data / name))
        for name in TRAINING_SETS
        if (data / name / LABELS).is_file()
    }
    if not found:
        raise InputError(
            f"None of the sets that training drew from is below {data}.",
            remedy=f"They are: {', '.join(TRAINING_SETS)}.",
        )
    return found


def make_people(data: Path, folder: Path, settings: Settings) -> Path:
    """Write ``held_out_people`` into ``folder``: columns questions, reference, subject."""
    del settings
    rng = np.random.default_rng(SEED)
    found = held_out(data)
    rows: list[LabelRow] = []
    for name, files in found.items():
        for place in rng.permutation(len(files))[:PICTURES]:
            file = _copied(data, folder, name, files[place])
            rows.append({"file": file, "questions": "expression forgery", "subject": source_of(name, files[place])})
    people: dict[str, list[str]] = {}
    for file in found.get(FRLL, []):
        people.setdefault(person(FRLL, file), []).append(file)
    pairs = [files[:2] for files in people.values() if len(files) > 1][:PAIRS]
    for place, (one, other) in enumerate(pairs):
        another = pairs[(place + 1) % len(pairs)][1]
        for kind, reference in (("same", other), ("other", another)):
            file = _copied(data, folder, FRLL, one, f"{kind}_")
            rows.append(
                {
                    "file": file,
                    "questions": "identity",
                    "subject": source_of(FRLL, one),
                    "reference": _copied(data, folder, FRLL, reference),
                }
            )
    return write_labels(folder, rows)


def make_expressions(data: Path, folder: Path, settings: Settings) -> Path:
    """Write ``held_out_expressions`` into ``folder``: columns emotion, subject."""
    del settings
    labels = {row["file"]: row["emotion"] for row in label_rows(data / EXPRESSION_SET)}
    rows: list[LabelRow] = [
        {
            "file": _copied(data, folder, EXPRESSION_SET, file),
            "emotion": EXPRESSION_LABELS.get(labels[file], labels[file]),
            "subject": person(EXPRESSION_SET, file),
        }
        for file in held_out_files(EXPRESSION_SET, label_rows(data / EXPRESSION_SET))
    ]
    return write_labels(folder, rows)


def make_questions(data: Path, folder: Path, settings: Settings) -> Path:
    """Write ``held_out_questions`` into ``folder``: columns topic, question, answer, swap, subject."""
    faces = [face for name, files in held_out(data).items() for face in _measured(data, name, files, settings)]
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, dict[str, list[LabelRow]]] = {topic: defaultdict(list) for topic in CORE_TOPICS}
    with tempfile.TemporaryDirectory() as scratch:
        crops = load_or_make_crops(Path(scratch), faces, SEED)
        for index, face in enumerate(faces):
            rng = np.random.default_rng((SEED, index))
            for topic in CORE_TOPICS:
                bare = "no" if face.caption.get("condition") in BARE else None
                known = face_facts(face, bare if "glasses" not in face.caption.get("query_label", "") else None)
                # Light is varied, or there would hardly be a dark picture; everything else is shown as it is.
                pixels, now = augmented_crop(
                    crops, index, known, rng, spliced=topic == "altered", vary=topic == "light"
                )
                for one in build_questions(now, [topic], rng, held_out=True):
                    file = f"{topic}_{index:04}.png"
                    cv2.imwrite(str(folder / file), np.ascontiguousarray(pixels[..., ::-1]))
                    found[topic][one.answer].append(
                        {
                            "file": file,
                            "topic": topic,
                            "question": one.question,
                            "answer": one.answer,
                            "subject": face.found.source,
                        }
                    )
    rows = [row for topic in CORE_TOPICS for row in _with_swaps(_balanced(found[topic]))]
    kept = {row["file"] for row in rows} | {row["swap"] for row in rows}
    for path in folder.glob("*.png"):
        if path.name not in kept:
            path.unlink()
    return write_labels(folder, rows)


def _measured(data: Path, name: str, files: Sequence[str], settings: Settings) -> Iterator[MeasuredFace]:
    """The measurable faces of up to ``FACES`` pictures of a set."""
    lines = {row["file"]: row for row in label_rows(data / name)}
    drawn = [files[place] for place in np.random.default_rng(SEED).permutation(len(files))[:FACES]]
    for file, view in portraits(data / name, drawn, settings):
        found = measure_face(name, data / name, file, view, lines[file])
        if found is not None:
            yield found


def _balanced(answers: dict[str, list[LabelRow]]) -> list[LabelRow]:
    each = min([len(rows) for rows in answers.values()] + [EACH // max(1, len(answers))])
    mixed = [row for rows in answers.values() for row in rows[:each]]
    return [mixed[place] for place in np.random.default_rng(SEED).permutation(len(mixed))]


def _with_swaps(rows: Sequence[LabelRow]) -> list[LabelRow]:
    """Each row with the picture of the row that stands a third of the topic further on."""
    return [{**row, "swap": rows[(place + len(rows) // 3) % len(rows)]["file"]} for place, row in enumerate(rows)]


def _copied(data: Path, folder: Path, name: str, file: str, prefix: str = "") -> str:
    """A copy of a picture in ``folder``; returns its name there."""
    folder.mkdir(parents=True, exist_ok=True)
    target = f"{prefix}{name}_{file.replace('/', '_')}"
    shutil.copyfile(data / name / file, folder / target)
    return target
