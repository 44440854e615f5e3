"""The number format in which frozen networks are computed."""

import torch


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 where the hardware supports it, else float32: emulated bfloat16 is many times slower."""
    fast = device.type != "cpu" or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=fast)
