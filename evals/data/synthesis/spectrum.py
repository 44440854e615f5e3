"""Radial power spectra, measured and matched.

Averaged or generated pictures hold less fine detail than photographs. A detector trained on that cue fails on the next
camera, so makers match the spectrum of one picture to that of another.
"""

import numpy as np
from numpy.typing import NDArray

BINS = 32


def radial_profile(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean log amplitude of the luminance in 32 rings from the lowest to the Nyquist frequency; S×S×3 RGB."""
    ring, count = _rings(pixels.shape[0])
    grey = pixels.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    window = np.hanning(grey.shape[0])
    amplitude = np.abs(np.fft.fft2((grey - grey.mean()) * np.outer(window, window)))
    profile = np.bincount(ring.ravel(), np.log(amplitude.ravel() + 1), minlength=BINS + 1)[:BINS]
    return np.asarray(profile / count, dtype=np.float64)


def toward_profile(
    pixels: NDArray[np.uint8], have: NDArray[np.float64], want: NDArray[np.float64], *, limit: float = 1.1
) -> NDArray[np.uint8]:
    """The picture filtered so that a profile ``have`` becomes ``want``; gains are capped at exp(±limit)."""
    size = pixels.shape[0]
    gain = np.exp(np.clip(want - have, -limit, limit))
    gain[0] = 1.0
    radius = _radius(size) * BINS
    field = np.interp(radius.ravel(), np.arange(BINS) + 0.5, gain).reshape(size, size)
    planes = [np.fft.ifft2(np.fft.fft2(pixels[..., c].astype(np.float64)) * field).real for c in range(3)]
    return np.clip(np.stack(planes, axis=-1) + 0.5, 0, 255).astype(np.uint8)


def _radius(size: int) -> NDArray[np.float64]:
    """Distance of every FFT bin from zero frequency, 1.0 at Nyquist."""
    axis = np.fft.fftfreq(size) * 2
    return np.asarray(np.hypot(axis[:, None], axis[None, :]), dtype=np.float64)


def _rings(size: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    ring = np.minimum((_radius(size) * BINS).astype(np.int64), BINS)
    return ring, np.bincount(ring.ravel(), minlength=BINS + 1)[:BINS].astype(np.float64)
