"""The input of the embedded model: a conversation in its chat template, and pictures as pixel values.

Training and the in-process backend both use this; a test compares it with the model folder's own processor.
"""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from faceagent.vlm.embedded_model import IMAGE_TOKENS, SIZE, SPECIAL

if TYPE_CHECKING:
    from torch import Tensor

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGE_PLACEHOLDER = (
    SPECIAL["start_image_token"] + SPECIAL["context_image_token"] * IMAGE_TOKENS + SPECIAL["end_image_token"]
)
END = "<|im_end|>"
SPECIAL_TOKENS = ("<|im_start|>", END, *SPECIAL.values())


def format_message(role: Literal["system", "user", "assistant"], text: str, pictures: int = 0) -> str:
    """One whole message. Special tokens in ``text`` are escaped, so that it cannot start another role's message."""
    return f"<|im_start|>{role}\n{(IMAGE_PLACEHOLDER + chr(10)) * pictures}{escape_special_tokens(text)}{END}\n"


def generation_prompt(role: Literal["assistant"] = "assistant") -> str:
    """The start of an answer, after which the model generates."""
    return f"<|im_start|>{role}\n"


def escape_special_tokens(text: str) -> str:
    """``text`` with a space inside everything that the tokenizer would read as a special token."""
    for mark in SPECIAL_TOKENS:
        text = text.replace(mark, mark[:1] + " " + mark[1:])
    return text


def decode_image(data: bytes) -> NDArray[np.uint8]:
    """JPEG or PNG bytes as the model's square input, SIZE×SIZE×3 uint8 RGB."""
    # Image.open asks a limit on pixels that is one number for the whole process; these pictures are our own.
    opened = JpegImageFile if data[:2] == b"\xff\xd8" else PngImageFile
    with opened(io.BytesIO(data)) as picture:
        square = picture.convert("RGB")
        if square.size != (SIZE, SIZE):
            square = square.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        return np.asarray(square, dtype=np.uint8)


def encode_png(crop: NDArray[np.uint8]) -> bytes:
    """A crop (H×W×3 uint8 RGB) as lossless PNG."""
    buffer = io.BytesIO()
    Image.fromarray(crop).save(buffer, format="PNG")
    return buffer.getvalue()


def pixel_values(crops: Sequence[NDArray[np.uint8]]) -> "Tensor":
    """N×3×S×S float32, normalised as the model's image processor does."""
    import torch

    images = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255
    mean, std = (torch.tensor(values, dtype=torch.float32).view(1, 3, 1, 1) for values in (MEAN, STD))
    return (images - mean) / std
