"""Curves of a training run: drawn from the log, each figure visible."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from finetune.calibration.curves import COLOURS, draw_curves


def test_every_figure_of_the_log_gets_a_line(tmp_path: Path) -> None:
    log, target = tmp_path / "log.jsonl", tmp_path / "curves.png"
    looks = [
        {"step": step, "loss": {"a": 1 / step, "b": 2 / step}, "validation": {"auc": 1 - 1 / step}}
        for step in (10, 20, 30)
    ]
    log.write_text("\n".join(json.dumps(look) for look in looks), encoding="utf-8")
    draw_curves(log, target)
    pixels = np.asarray(Image.open(target))
    left, right = pixels[:, :480], pixels[:, 480:]
    for part, colour, there in ((left, 0, True), (left, 1, True), (right, 0, True), (right, 1, False)):
        assert (part == COLOURS[colour]).all(axis=2).any() == there


def test_a_single_look_is_drawn_too(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 5, "loss": {"a": 1.0}, "validation": {"auc": 0.5}}', encoding="utf-8")
    draw_curves(log, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 0
