"""A conversation as the embedded model reads it: the text of its chat template, and its pictures as numbers.

Training and the in-process backend both build on this; a test holds it against the model folder's own processor.
"""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faceagent.vlm.assemble import IMAGE_TOKENS, SIZE, SPECIAL

if TYPE_CHECKING:
    from torch import Tensor

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
PICTURE = SPECIAL["start_image_token"] + SPECIAL["context_image_token"] * IMAGE_TOKENS + SPECIAL["end_image_token"]
END = "<|im_end|>"
MARKS = ("<|im_start|>", END, *SPECIAL.values())


def message(role: Literal["system", "user", "assistant"], text: str, pictures: int = 0) -> str:
    """One whole message. Marks of the template inside ``text`` are broken up: nobody may speak for another role."""
    return f"<|im_start|>{role}\n{(PICTURE + chr(10)) * pictures}{plain(text)}{END}\n"


def opening(role: Literal["assistant"] = "assistant") -> str:
    """What stands before an answer."""
    return f"<|im_start|>{role}\n"


def plain(text: str) -> str:
    """``text`` without anything that the tokenizer would take for one of its marks."""
    for mark in MARKS:
        text = text.replace(mark, mark[:1] + " " + mark[1:])
    return text


def read_picture(data: bytes) -> NDArray[np.uint8]:
    """An encoded picture as the model's square, SIZE×SIZE×3 uint8 RGB."""
    with Image.open(io.BytesIO(data)) as picture:
        square = picture.convert("RGB")
        if square.size != (SIZE, SIZE):
            square = square.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        return np.asarray(square, dtype=np.uint8)


def show_picture(crop: NDArray[np.uint8]) -> bytes:
    """A crop as PNG, which changes no pixel on its way to a server."""
    held = io.BytesIO()
    Image.fromarray(crop).save(held, format="PNG")
    return held.getvalue()


def pixel_values(crops: Sequence[NDArray[np.uint8]]) -> "Tensor":
    """N×3×S×S float32, normalised as the model's image processor does."""
    import torch

    images = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255
    return (images - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
