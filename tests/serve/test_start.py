"""What a server loads before it is ready: nothing that only a picture needs."""

import subprocess
import sys

HEAVY = ("torch", "onnxruntime", "transformers", "open_clip", "timm")
LATER = ("langgraph", "langchain_core", "mcp", "alembic", "taskiq")
"""What is imported with the first picture, the first MCP client, a migration, a broker."""
PROGRAM = f"""
import sys, tempfile
from faceagent.serve import run
from faceagent.agent.analyst import Analyst
from faceagent.serve.app import create_app
from faceagent.serve.settings import ServiceSettings
from faceagent.settings import Settings
with tempfile.TemporaryDirectory() as folder, Analyst(Settings()):
    settings = ServiceSettings(database=folder)
    run.make_first_key(settings, show_key=lambda key: None)
    create_app(settings, Settings())
    print(*[name for name in {HEAVY + LATER} if name in sys.modules])
"""


def test_what_only_a_picture_or_another_client_needs_is_imported_with_it() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stdout + done.stderr[-2000:]
