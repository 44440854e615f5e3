"""Random degradation for training and for made test sets: resizing, blur, noise, colour, compression.

Every class gets the same distribution, and both halves of a real/forged pair get the same draw, so that the degradation
does not reveal the class. The fixed steps that robustness is measured on are in ``degradation_sweep``.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Codec = Literal[".jpg", ".webp", "none"]

CODECS: tuple[Codec, ...] = (".jpg", ".jpg", ".jpg", ".webp", "none")
"""JPEG is drawn three times as often as the others."""
METHODS = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}


@dataclass(frozen=True)
class Degradation:
    """One draw. Lengths in crop pixels, noise as standard deviation in grey levels, ``quality`` in codec units."""

    side: int
    method: Literal["area", "linear", "cubic"]
    blur: float
    noise: float
    noise_seed: int
    grey: bool
    gains: tuple[float, float, float]
    gamma: float
    codec: Codec
    quality: int


def draw_degradation(rng: np.random.Generator, size: int, *, smallest: float = 0.33, grey: float = 0.15) -> Degradation:
    """Draw a degradation for crops of ``size`` px.

    Args:
        rng: Source of randomness.
        size: Side of the crop in px.
        smallest: Lower bound of the effective resolution over ``size``; a face in a 160 px picture has about 0.45.
        grey: Probability that colour is removed.
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
        codec=CODECS[int(rng.integers(len(CODECS)))],
        quality=int(rng.integers(30, 101)),
    )


def degrade(pixels: NDArray[np.uint8], how: Degradation, *, restore: bool = True) -> NDArray[np.uint8]:
    """Apply a degradation; S×S×3 uint8 RGB in and out, at the same size, or without ``restore`` at ``how.side``."""
    size = pixels.shape[0]
    light = np.clip(pixels.astype(np.float32) / 255 * np.asarray(how.gains, np.float32), 0, 1)
    image: NDArray[np.float32] = np.asarray(light**how.gamma, np.float32)
    if how.grey:
        image = np.repeat(image @ np.array([[0.299], [0.587], [0.114]], np.float32), 3, axis=2)
    if how.blur:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), how.blur), np.float32)
    if how.side < size:
        shrunk = cv2.resize(image, (how.side, how.side), interpolation=METHODS[how.method])
        image = np.asarray(shrunk, np.float32)
    if how.noise:
        noise = np.random.default_rng(how.noise_seed).normal(0, how.noise / 255, image.shape)
        image = image + noise.astype(np.float32)
    small: NDArray[np.uint8] = np.clip(image * 255 + 0.5, 0, 255).astype(np.uint8)
    if how.codec != "none":
        small = compress(small, how.codec, how.quality)
    if how.side < size and restore:
        small = np.asarray(cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC), np.uint8)
    return small


def as_video_frame(pixels: NDArray[np.uint8], frames: int = 3) -> NDArray[np.uint8]:
    """The last frame of an MPEG-4 clip of ``frames`` frames in which the picture drifts by one pixel a frame.

    S×S×3 uint8 RGB in and out; the frame is predicted from those before it, as nearly all frames of a video are.
    """
    height, width = pixels.shape[:2]
    # The codec needs even sides.
    wide = cv2.copyMakeBorder(pixels[:, :, ::-1], 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "clip.avi")
        writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"FMP4"), 25, (wide.shape[1], wide.shape[0]))
        for number in range(frames):
            writer.write(np.ascontiguousarray(np.roll(wide, frames - 1 - number, axis=1)))
        writer.release()
        reader = cv2.VideoCapture(path)
        found = [frame for more, frame in (reader.read() for _ in range(frames)) if more]
        reader.release()
    if not found:
        raise RuntimeError("OpenCV cannot write MPEG-4 here.")
    return np.ascontiguousarray(found[-1][:height, :width, ::-1]).astype(np.uint8)


def compress(pixels: NDArray[np.uint8], codec: Literal[".jpg", ".webp"], quality: int) -> NDArray[np.uint8]:
    """Encode and decode once; H×W×3 uint8 RGB in and out."""
    flag = cv2.IMWRITE_JPEG_QUALITY if codec == ".jpg" else cv2.IMWRITE_WEBP_QUALITY
    _, coded = cv2.imencode(codec, pixels[:, :, ::-1], [flag, quality])
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), dtype=np.uint8)
    return np.ascontiguousarray(decoded[:, :, ::-1])
