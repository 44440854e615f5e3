"""onnxruntime is imported with its telemetry off, and in one place only."""

import ast
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


def _imports_at_run_time(path: Path) -> bool:
    """Whether a module imports onnxruntime anywhere but for the type checker."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typed = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    names = [
        name
        for node in ast.walk(tree)
        if node not in typed
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    ]
    return any(name.partition(".")[0] == "onnxruntime" for name in names)


def test_no_other_module_imports_it_at_run_time() -> None:
    found = [path for package in ("faceagent", "evals", "finetune") for path in (ROOT / package).rglob("*.py")]
    importing = [path.relative_to(ROOT).as_posix() for path in found if _imports_at_run_time(path)]
    assert importing == ["faceagent/weights/telemetry.py"]
