import subprocess
import sys

import faceagent


def test_everything_in_all_exists() -> None:
    for name in faceagent.__all__:
        assert getattr(faceagent, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(faceagent, "no_such_name")


def test_import_brings_no_model_library_along() -> None:
    heavy = ["torch", "onnxruntime", "mediapipe", "cv2", "langgraph", "transformers", "open_clip", "vllm", "PIL"]
    code = f"import sys, faceagent; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_command_line_lists_its_commands_without_a_model_library() -> None:
    code = (
        "import sys, faceagent.cli.main; print([name for name in ['torch', 'mediapipe', 'cv2'] if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_vllm_is_only_ever_another_process() -> None:
    from pathlib import Path

    package = Path(faceagent.__file__).parent
    guilty = [path for path in package.rglob("*.py") if "import vllm" in path.read_text(encoding="utf-8")]
    assert guilty == []
