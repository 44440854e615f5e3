"""onnxruntime is imported with its telemetry off, and in one place only."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_switch_is_set_before_the_library_is_loaded() -> None:
    text = (
        "import os, sys\n"
        "class Watch:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'onnxruntime':\n"
        "            assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'\n"
        "            print('seen')\n"
        "sys.meta_path.insert(0, Watch())\n"
        "from faceagent.weights.telemetry import import_onnxruntime\n"
        "assert 'onnxruntime' not in sys.modules\n"
        "import_onnxruntime()\n"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "seen\n"), done.stderr


def test_no_other_module_imports_it_at_run_time() -> None:
    importing = []
    for package in ("faceagent", "evals", "finetune"):
        for path in (ROOT / package).rglob("*.py"):
            lines = path.read_text(encoding="utf-8").splitlines()
            if any(line.strip().startswith(("import onnxruntime", "from onnxruntime")) for line in lines):
                importing.append(path.relative_to(ROOT).as_posix())
    # The second one is for the type checker.
    assert sorted(importing) == ["faceagent/weights/sessions.py", "faceagent/weights/telemetry.py"]
