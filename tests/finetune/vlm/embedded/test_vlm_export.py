"""Checkpoints continue where they were, and exported tensors are in half precision."""

from pathlib import Path

import torch
from safetensors.torch import load_file

from finetune.vlm.embedded.export import export_projector
from finetune.vlm.embedded.train import _load_checkpoint, _save_checkpoint


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    one = {"w": torch.nn.Parameter(torch.ones(3))}
    optimiser = torch.optim.AdamW(one.values(), lr=0.1)
    one["w"].sum().backward()
    optimiser.step()
    _save_checkpoint(tmp_path, one, optimiser, 7, 12.5)
    two = {"w": torch.nn.Parameter(torch.zeros(3))}
    assert _load_checkpoint(tmp_path, two, torch.optim.AdamW(two.values(), lr=0.1)) == (7, 12.5)
    assert torch.equal(one["w"], two["w"])


def test_shipped_tensors_are_half_precision(tmp_path: Path) -> None:
    path = export_projector({"linear_1.weight": torch.randn(4, 4)}, tmp_path)
    assert {value.dtype for value in load_file(path).values()} == {torch.float16}
