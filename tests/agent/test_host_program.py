"""A host program with a state of its own: the answers are the same, and its state is what it was."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceagent import Analyst, Settings

HOST = """
import json, locale, logging, os, shutil, signal, sys, warnings
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image, ImageFile

picture = np.load(sys.argv[1])
out = os.fdopen(os.dup(1), "w")
here = Path(sys.argv[1]).parent / "here"
here.mkdir()
os.chdir(here)
shutil.rmtree(here)
warnings.simplefilter("error")
# Packages that others than we import warn while they are imported; what we do may not.
warnings.filterwarnings("default", category=DeprecationWarning, module="(?!faceagent)")
np.seterr(all="raise")
torch.set_default_dtype(torch.bfloat16)
torch.set_num_threads(2)
torch.manual_seed(5)
np.random.seed(5)
cv2.setNumThreads(3)
Image.MAX_IMAGE_PIXELS = 1000
ImageFile.LOAD_TRUNCATED_IMAGES = True
for name in ("de_DE.UTF-8", "C"):
    try:
        locale.setlocale(locale.LC_ALL, name)
        break
    except locale.Error:
        pass
sys.stdin = sys.stdout = sys.stderr = None

ENVIRONMENT = sorted(os.environ)

def state():
    found = {
        "numpy": np.geterr(), "dtype": str(torch.get_default_dtype()), "threads": torch.get_num_threads(),
        "torch": torch.get_rng_state().tolist(), "numpy random": str(np.random.get_state()),
        "opencv": cv2.getNumThreads(), "pixels": Image.MAX_IMAGE_PIXELS, "cut": ImageFile.LOAD_TRUNCATED_IMAGES,
        "locale": locale.setlocale(locale.LC_ALL), "umask": os.umask(0o022), "logging": str(logging.root.handlers),
        "filters": [str(one) for one in warnings.filters if "faceagent" in str(one) or one[0] == "error"],
        "signal": str(signal.getsignal(signal.SIGINT)), "gradients": torch.is_grad_enabled(),
        **{name: os.environ.get(name) for name in ENVIRONMENT},
    }
    return {name: str(value) for name, value in found.items()}

os.umask(0o022)
before = state()
from faceagent import Analyst, Settings
with torch.autocast("cpu", dtype=torch.bfloat16), Analyst(Settings(workers=2)) as analyst:
    compared = analyst.analyze_many([picture[:400]], questions=["identity"], references=[picture])
    reports = [analyst.analyze(picture), *compared]
answers = [[one.label for one in report.verdicts] for report in reports]
failed = [item.statement for report in reports for item in report.evidence if item.status in ("failed", "unavailable")]
failed += [report.problem.message for report in reports if report.problem]
changed = sorted(set(before.items()) ^ set(state().items()))
out.write(json.dumps({"answers": answers, "failed": failed, "changed": changed}))
out.close()
"""


def test_the_answers_are_the_same_and_the_state_is_what_it_was(astronaut: NDArray[np.uint8], tmp_path: Path) -> None:
    np.save(tmp_path / "picture.npy", astronaut)
    (tmp_path / "host.py").write_text(HOST, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(tmp_path / "host.py"), str(tmp_path / "picture.npy")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    found = json.loads(done.stdout)
    assert found["failed"] == [] and found["changed"] == []
    with Analyst(Settings(workers=2)) as analyst:
        alone = analyst.analyze(astronaut)
        (compared,) = analyst.analyze_many([astronaut[:400]], questions=["identity"], references=[astronaut])
    assert found["answers"] == [[one.label for one in report.verdicts] for report in (alone, compared)]
