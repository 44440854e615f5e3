"""Training samples as data sets for trl: conversations, and pictures opened on access."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from faceagent.errors import InputError
from finetune.data.samples import SamplePicture, TrainingSample, read_samples, split_samples

OpenPicture = Callable[[SamplePicture], Image.Image]


def picture_opener(folder: Path) -> OpenPicture:
    """Opens picture files below ``folder``; a picture that has only a maker is refused."""
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
    """Training and validation side of all samples in ``files``; refused as ``split_samples`` does."""
    return split_samples(sample for name in files for sample in read_samples(folder / name))


def conversation(sample: TrainingSample) -> list[dict[str, str]]:
    """The messages before the answer."""
    system = [{"role": "system", "content": sample.system}] if sample.system else []
    return [*system, {"role": "user", "content": sample.prompt}]


def trl_dataset(samples: Sequence[TrainingSample], opened: OpenPicture, *, preference: bool) -> Any:
    """A trl dataset; pictures are opened on access and not kept.

    Raises InputError when a preference sample has no rejected answer, or rejects the answer itself.
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
