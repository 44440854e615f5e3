"""The feature bank: the output of the frozen vision tower for every picture, computed once.

A picture in the bank is one augmented crop, with the facts that hold for it. The tower is never trained, so its output
is stored: 64×1536 per picture, the input of the projector. Files in one folder: ``seen.npy`` and ``eyes.npy``
(float16), ``done.npy`` (which rows are filled), ``pictures.json``. Two processes may fill one bank.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from rich.progress import track

from evals.data.synthesis.measured_faces import MeasuredFace
from evals.data.synthesis.question_crops import QuestionCrops, augmented_crop
from evals.data.visual_questions import face_facts
from faceagent.atomic_write import atomic_write
from faceagent.vlm.chat_template import pixel_values
from finetune.data.precision import autocast

SPLICED = 0.45
"""Share of training faces that are in the bank a second time with one part replaced."""
AT_A_TIME = 16
EYES = 3 * 384
BEFORE_LAST = -3
"""Index of the hidden states used: those before the last two blocks separate glasses best."""
EYE_ROWS = slice(3, 9)
"""Rows of the 16×16 patch grid where the eyes of such a crop are."""
SHARE = {"fairface_train_4k": 0.42, "muxspace_expressions": 0.5}
"""Share of a set's frontal training faces that are used: these two sets have few others."""


@dataclass(frozen=True)
class BankPicture:
    """One row of the bank. ``face``: index in ``read_all_faces``; ``facts``: topic to answer, after augmentation."""

    face: int
    spliced: bool
    held_out: bool
    origin: str
    source: str
    facts: dict[str, str]


@dataclass(frozen=True)
class FeatureBank:
    """``seen``: N×64×1536; ``eyes``: N×1152, the input of the glasses probe; both float16."""

    pictures: tuple[BankPicture, ...]
    seen: NDArray[np.float16]
    eyes: NDArray[np.float16]


def choose_crops(faces: Sequence[MeasuredFace], seed: int) -> list[tuple[int, bool]]:
    """(index of the face, spliced) of every row, in random order."""
    rng = np.random.default_rng((seed, 1))
    picked = []
    for index, one in enumerate(faces):
        turned = abs(one.yaw) > 14
        if not one.held_out and not turned and rng.random() > SHARE.get(one.found.origin, 1.0):
            continue
        picked.append((index, False))
        if one.held_out or rng.random() < SPLICED:
            picked.append((index, True))
    return [picked[place] for place in rng.permutation(len(picked))]


def fill_bank(
    folder: Path,
    data: QuestionCrops,
    faces: Sequence[MeasuredFace],
    model: Any,
    seed: int,
    part: int = 0,
    parts: int = 1,
) -> None:
    """Encode every ``parts``-th block of rows from block ``part`` on; filled rows are skipped."""
    order = choose_crops(faces, seed)
    seen, eyes, done = _files(folder, len(order))
    pictures = [_augment(data, faces, *order[place], place, seed)[1] for place in range(len(order))]
    with atomic_write(folder / "pictures.json") as temporary:
        temporary.write_text(json.dumps([asdict(one) for one in pictures]), encoding="utf-8")
    blocks = [range(start, min(start + AT_A_TIME, len(order))) for start in range(0, len(order), AT_A_TIME)]
    for block in track(blocks[part::parts], description="looking"):
        if done[block.start : block.stop].all():
            continue
        shown = [_augment(data, faces, *order[place], place, seed)[0] for place in block]
        rows, features = encode_crops(model, shown)
        seen[block.start : block.stop], eyes[block.start : block.stop] = rows, features
        done[block.start : block.stop] = True


def load_bank(folder: Path) -> FeatureBank:
    """The filled rows of the bank."""
    done = np.flatnonzero(np.load(folder / "done.npy"))
    rows = json.loads((folder / "pictures.json").read_text(encoding="utf-8"))
    pictures = tuple(BankPicture(**rows[place]) for place in done)
    seen, eyes = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("seen", "eyes"))
    return FeatureBank(pictures, np.asarray(seen[done]), np.asarray(eyes[done]))


def encode_crops(model: Any, shown: Sequence[NDArray[np.uint8]]) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
    """Crops (S×S×3 uint8 RGB) as input of the projector, N×64×1536, and of the glasses probe, N×1152."""
    tower = model.model.vision_tower
    with torch.inference_mode(), autocast(torch.device("cpu")):
        out = tower(pixel_values(shown), output_hidden_states=True)
        grid = out.last_hidden_state[:, 1:].reshape(len(shown), 16, 16, -1)
        rows = model.model.pixel_shuffle(grid, scale_factor=0.5).reshape(len(shown), 64, -1)
        early = out.hidden_states[BEFORE_LAST]
        eyes = early[:, 1:].reshape(len(shown), 16, 16, -1)[:, EYE_ROWS]
        features = torch.cat([early[:, 0], eyes.mean((1, 2)), eyes.std((1, 2))], dim=1)
    return rows.float().numpy().astype(np.float16), features.float().numpy().astype(np.float16)


def _augment(
    data: QuestionCrops, faces: Sequence[MeasuredFace], face: int, spliced: bool, place: int, seed: int
) -> tuple[NDArray[np.uint8], BankPicture]:
    one = faces[face]
    rng = np.random.default_rng((seed, 2, place))
    pixels, now = augmented_crop(data, face, face_facts(one), rng, spliced=spliced, vary=True)
    return pixels, BankPicture(face, spliced, one.held_out, one.found.origin, one.found.source, now)


def _files(folder: Path, count: int) -> tuple[Any, Any, Any]:
    folder.mkdir(parents=True, exist_ok=True)
    shapes = {
        "seen": ((count, 64, 1536), np.float16),
        "eyes": ((count, EYES), np.float16),
        "done": ((count,), np.bool_),
    }
    seen, eyes, done = (
        open_memmap(folder / f"{name}.npy", mode="r+")
        if (folder / f"{name}.npy").is_file()
        else open_memmap(folder / f"{name}.npy", mode="w+", dtype=kind, shape=shape)
        for name, (shape, kind) in shapes.items()
    )
    return seen, eyes, done
