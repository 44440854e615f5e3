"""What a server loads before it is ready: nothing that only a picture needs."""

import subprocess
import sys

HEAVY = ("torch", "onnxruntime", "transformers", "open_clip", "timm", "taskiq_redis")
PROGRAM = f"""
import sys
import faceagent.serve.run
from faceagent.agent.analyst import Analyst
from faceagent.settings import Settings
with Analyst(Settings()):
    print(*[name for name in {HEAVY} if name in sys.modules])
"""


def test_models_and_their_libraries_are_loaded_with_the_first_picture() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stdout + done.stderr[-2000:]
