"""The number format that frozen networks compute in."""

import torch


def autocast(device: torch.device) -> torch.autocast:
    """bfloat16 where the hardware multiplies it; elsewhere float32, since emulated bfloat16 is many times slower."""
    fast = device.type != "cpu" or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=fast)
