"""The number format in which frozen networks are computed for training."""

import time
from functools import cache

import torch

ROWS, INNER, OUTER = 512, 768, 3072
"""A linear layer of ViT-B on two pictures: what the time is measured on."""


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 where it is faster, else float32: always on a GPU; on a processor one layer is timed in both."""
    fast = device.type != "cpu" or _faster_in_bfloat16()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=fast)


@cache
def _faster_in_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 faster; some that know the format are slower in it than in float32."""
    return _seconds(torch.bfloat16) < 0.9 * _seconds(torch.float32)


def _seconds(dtype: torch.dtype) -> float:
    """Least time of a few products, after one that is not counted."""
    rows, weight = torch.zeros(ROWS, INNER, dtype=dtype), torch.zeros(OUTER, INNER, dtype=dtype)
    times = []
    with torch.inference_mode():
        for _ in range(4):
            start = time.perf_counter()
            torch.nn.functional.linear(rows, weight)
            times.append(time.perf_counter() - start)
    return min(times[1:])
