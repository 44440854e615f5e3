"""Labelled sets made on the spot."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from evals.synthetic_data import as_print, make_spoof, portrait, write_labels


@pytest.fixture(scope="session")
def spoof_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five live and six printed pictures."""
    folder = tmp_path_factory.mktemp("spoofset")
    make_spoof(folder)
    return folder


@pytest.fixture
def messy_set(tmp_path: Path) -> Path:
    """Every way in which a set can be broken, around three good rows."""
    folder = tmp_path / "messy"
    folder.mkdir()
    source = portrait()
    for name, pixels in (("a.png", source), ("b.png", as_print(source, 0.8)), ("c.png", source[:, ::-1])):
        cv2.imwrite(str(folder / name), np.ascontiguousarray(pixels[..., ::-1]))
    cv2.imwrite(str(folder / "wall.png"), np.full((200, 200, 3), 128, np.uint8))
    (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:300])
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("no picture")
    rows = [
        ("a.png", "live"), ("b.png", "spoof"), ("c.png", "live"),
        ("wall.png", "live"), ("broken.png", "live"), ("empty.png", "spoof"), ("text.png", "spoof"),
        ("gone.png", "spoof"), ("a.png", "live"), ("c2.png", "live"), ("c2.png", "spoof"),
        ("unlabelled.png", ""), ("odd.png", "perhaps"), ("../outside.png", "live"), ("/etc/hostname", "spoof"),
        ("", "live"),
    ]  # fmt: skip
    return write_labels(folder, [{"file": file, "label": label, "mood": "blue"} for file, label in rows])
