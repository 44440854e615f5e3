"""Samples as the rows that trl trains on: conversations, and pictures opened when their turn comes.

Knows file and maker shots, and how they become pixels; knows no model.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from faceagent.errors import InputError
from finetune.data.samples import SamplePicture, TrainingSample, read_samples, split_samples

OpenPicture = Callable[[SamplePicture], Image.Image]


def picture_opener(folder: Path) -> OpenPicture:
    """Shots of files below ``folder``; a shot that needs a maker is refused, makers write their pictures out."""
    root = folder.resolve()

    def opened(shot: SamplePicture) -> Image.Image:
        if shot.path is None:
            raise InputError(f"A sample's picture has no file, only the maker {shot.maker!r}.")
        path = (root / shot.path).resolve()
        if not path.is_relative_to(root):
            raise InputError(f"{shot.path} lies outside the data folder.")
        try:
            with Image.open(path) as image:
                return image.convert("RGB")
        except OSError as error:
            raise InputError(f"The picture {shot.path} cannot be read: {error}.") from error

    return opened


def gather_samples(folder: Path, files: Sequence[str]) -> tuple[list[TrainingSample], list[TrainingSample]]:
    """Training and validation side of all samples in ``files``; refused as ``record.accepted`` does."""
    return split_samples(sample for name in files for sample in read_samples(folder / name))


def conversation(sample: TrainingSample) -> list[dict[str, str]]:
    """What comes before the answer."""
    system = [{"role": "system", "content": sample.system}] if sample.system else []
    return [*system, {"role": "user", "content": sample.prompt}]


def trl_dataset(samples: Sequence[TrainingSample], opened: OpenPicture, *, preference: bool) -> Any:
    """A trl dataset; pictures are opened on access, never kept.

    Raises InputError when preference is wanted and a sample rejects nothing, or just what it answers.
    """
    from datasets import Dataset

    if preference:
        for sample in samples:
            if not sample.rejected or sample.rejected == sample.answer:
                raise InputError(
                    f"The sample {sample.id!r} has no answer to reject that differs from the one to choose.",
                    remedy="Make preference data with finetune.text.preference.",
                )

    def row(places: dict[str, list[int]]) -> dict[str, list[Any]]:
        chosen = [samples[place] for place in places["place"]]
        said: dict[str, list[Any]] = {
            "prompt": [conversation(one) for one in chosen],
            "images": [[opened(shot) for shot in one.images] for one in chosen],
            "chosen" if preference else "completion": [_answer(one.answer) for one in chosen],
        }
        if preference:
            said["rejected"] = [_answer(str(one.rejected)) for one in chosen]
        return said

    return Dataset.from_dict({"place": list(range(len(samples)))}).with_transform(row)


def _answer(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]
