"""A program that uses the library prints what it prints itself, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import skimage.io
from numpy.typing import NDArray

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys
from faceagent import Analyst

with Analyst() as analyst:
    plain = analyst.analyze(sys.argv[1])
    slow = {"open_clip", "peft", "scipy", "sklearn", "sympy", "timm", "torchvision", "transformers"} & set(sys.modules)
    assert not slow, f"looking at a picture imported {slow}"
    explained = analyst.analyze(sys.argv[1], questions=["expression"], explain="vlm")
assert {verdict.question for verdict in plain.verdicts} >= {"expression", "forgery", "morph"}, plain.problems
assert any(one.author != "ledger" or one.fallback for one in explained.explanations), "no model was asked"
"""


def test_a_program_that_uses_the_library_sees_no_line_of_others(tmp_path: Path, astronaut: NDArray[np.uint8]) -> None:
    picture = tmp_path / "astronaut.png"
    skimage.io.imsave(picture, astronaut)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(picture)],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == ""
    assert done.stderr == ""
