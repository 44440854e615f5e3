"""What happens to a picture on its way: resizing, blur, noise, colour, compression.

Every class gets the same distribution, and the two halves of a real/forged pair get the very same draw, so
that no class can be told by its history. Knows nothing of labels.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

METHODS = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}


@dataclass(frozen=True)
class Degradation:
    """One draw. Lengths in px of the crop, noise in grey levels, ``quality`` as the codec counts it."""

    side: int
    method: Literal["area", "linear", "cubic"]
    blur: float
    noise: float
    noise_seed: int
    grey: bool
    gains: tuple[float, float, float]
    gamma: float
    codec: Literal[".jpg", ".webp", "none"]
    quality: int


def draw(rng: np.random.Generator, size: int, *, smallest: float = 0.33, grey: float = 0.15) -> Degradation:
    """A random degradation for crops of ``size`` px.

    Effective sides reach down to ``smallest`` times the size: a face in a 160 px picture has about 0.45.
    """
    gains = rng.normal(1, 0.04, 3)
    return Degradation(
        side=round(size * rng.uniform(smallest, 1.0)) if rng.random() < 0.85 else size,
        method=("area", "linear", "cubic")[int(rng.integers(3))],
        blur=float(rng.uniform(0.3, 1.6)) if rng.random() < 0.3 else 0.0,
        noise=float(rng.uniform(0.5, 6)) if rng.random() < 0.3 else 0.0,
        noise_seed=int(rng.integers(2**31)),
        grey=bool(rng.random() < grey),
        gains=(float(gains[0]), float(gains[1]), float(gains[2])),
        gamma=float(np.exp(rng.normal(0, 0.15))),
        codec=(".jpg", ".jpg", ".jpg", ".webp", "none")[int(rng.integers(5))],  # type: ignore[arg-type]
        quality=int(rng.integers(30, 101)),
    )


def degrade(pixels: NDArray[np.uint8], how: Degradation) -> NDArray[np.uint8]:
    """The picture after its journey, back at its own size; H×W×3 uint8 RGB."""
    size = pixels.shape[0]
    image = pixels.astype(np.float32) / 255
    image = np.clip(image * np.asarray(how.gains, np.float32), 0, 1) ** how.gamma
    if how.grey:
        image = np.repeat(image @ np.array([[0.299], [0.587], [0.114]], np.float32), 3, axis=2)
    if how.blur:
        image = cv2.GaussianBlur(image, (0, 0), how.blur)
    if how.side < size:
        image = cv2.resize(image, (how.side, how.side), interpolation=METHODS[how.method])
    if how.noise:
        noise = np.random.default_rng(how.noise_seed).normal(0, how.noise / 255, image.shape)
        image = image + noise.astype(np.float32)
    small = np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
    if how.codec != "none":
        small = compress(small, how.codec, how.quality)
    if how.side < size:
        small = cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    return small


def compress(pixels: NDArray[np.uint8], codec: Literal[".jpg", ".webp"], quality: int) -> NDArray[np.uint8]:
    """The picture after one round through the codec."""
    flag = cv2.IMWRITE_JPEG_QUALITY if codec == ".jpg" else cv2.IMWRITE_WEBP_QUALITY
    _, coded = cv2.imencode(codec, pixels[:, :, ::-1], [flag, quality])
    return np.ascontiguousarray(cv2.imdecode(coded, cv2.IMREAD_COLOR)[:, :, ::-1]).astype(np.uint8)
