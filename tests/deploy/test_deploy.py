"""The files of ``deploy/``: linted, and in step with the program: settings, commands, extras, vLLM's switches."""

import configparser
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from faceagent.cli.main import app
from faceagent.serve.settings import SERVICE, ServiceSettings
from faceagent.settings import ELSEWHERE, Settings
from faceagent.vlm.launch import ServedModel, arguments, variables

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILES = sorted(DEPLOY.glob("*.Dockerfile"))
UNPINNED = "CL-0019"
"""Images by tag, not by digest: which bytes are trusted is for who runs them to say, see docs/operations.md."""
VLLM_WRITES = ("CL-0007", "vllm")
"""vLLM's image compiles kernels into its own folders."""


def tool(name: str) -> str:
    """A linter that is installed beside this Python."""
    return str(Path(sys.executable).with_name(name))


def compose(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_the_dockerfiles_pass_hadolint(path: Path) -> None:
    done = subprocess.run([tool("hadolint"), path], capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("names", [("compose.yaml",), ("compose.yaml", "compose.gpu.yaml")])
def test_the_compose_files_pass_compose_lint_together(tmp_path: Path, names: tuple[str, ...]) -> None:
    for source, target in zip(names, ("compose.yaml", "compose.override.yaml"), strict=False):
        shutil.copy(DEPLOY / source, tmp_path / target)
    command = [tool("compose-lint"), "check", "--format", "json", tmp_path / "compose.yaml"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60)
    found = {(one["rule_id"], one["service"]) for one in json.loads(done.stdout)["findings"]}
    assert {one for one in found if one[0] != UNPINNED} <= {VLLM_WRITES}, done.stdout


def test_every_variable_is_a_setting() -> None:
    known = {f"FACEAGENT_{name.upper()}" for name in Settings.model_fields} | ELSEWHERE
    known |= {f"{SERVICE}{name.upper()}" for name in ServiceSettings.model_fields}
    # What compose fills in, and no program of ours reads.
    known |= {"FACEAGENT_MEMORY_LIMIT", "FACEAGENT_CPUS", "FACEAGENT_GPU"}
    for path in DEPLOY.iterdir():
        text = path.read_text(encoding="utf-8")
        assert set(re.findall(r"\bFACEAGENT_[A-Z_]+", text)) <= known, path.name
    assert "FACEAGENT_MEMORY_LIMIT" in (DEPLOY / "compose.yaml").read_text()


def test_no_secret_stands_in_the_files() -> None:
    for line in (DEPLOY / "example.env").read_text(encoding="utf-8").splitlines():
        assert line.startswith("#") or line.endswith("=")
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert ".env" in ignored and "deploy/.env" not in (ROOT / ".dockerignore").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_copies_what_the_build_needs_and_installs_extras_that_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    copied = {name for line in re.findall(r"^COPY ([^-].*)$", text, re.M) for name in line.split()[:-1]}
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    needed |= {*wheel["packages"], *wheel["force-include"], "constraints.txt"}
    assert copied == needed and all((ROOT / name).exists() for name in copied)
    admitted = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{name}" for name in copied} <= set(admitted)
    extras = re.search(r"\.\[([a-z,]+)\]", text)
    assert extras is not None
    assert set(extras[1].split(",")) <= set(project["project"]["optional-dependencies"])
    # Not root, and the health check calls what exists.
    assert re.search(r"^USER 10001:10001$", text, re.M) and "faceagent.client import Client" in text


def test_images_and_unit_run_a_command_that_exists() -> None:
    commands = typer.main.get_command(app).commands
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(DEPLOY / "faceagent.service", encoding="utf-8")
    assert unit.sections() == ["Unit", "Service", "Install"]
    started = [unit["Service"]["ExecStart"].split()[1:]]
    started += [json.loads(re.search(r"^CMD (\[.*\])$", path.read_text(), re.M)[1]) for path in DOCKERFILES]
    for command, *options in started:
        known = {name for one in commands[command].params for name in one.opts}
        assert set(options) <= known
    assert unit["Service"]["UMask"] == "0077" and unit["Service"]["NoNewPrivileges"] == "yes"


def test_vllm_runs_with_the_switches_of_our_own_launcher() -> None:
    service = compose("compose.gpu.yaml")["services"]["vllm"]
    given = service["command"]
    settings = Settings(profile="gpu")
    ours = arguments(ServedModel("m", "m", {}), settings, "cuda", 1)
    pairs = dict(zip(ours, [*ours[1:], ""], strict=True))
    theirs = dict(zip(given, [*given[1:], ""], strict=True))
    # LoRA slots are for adapters, which this container has none of; the rest is the container's own.
    own = {"--host", "--port", "--tensor-parallel-size", "--enable-lora", "--max-loras", "--max-lora-rank"}
    flags = {name for name in pairs if name.startswith("--")} - own
    assert flags - {"--served-model-name"} <= set(theirs)
    for name in ("--max-model-len", "--max-num-seqs", "--allowed-media-domains"):
        assert theirs[name] == pairs[name]
    for name in ("--limit-mm-per-prompt", "--structured-outputs-config"):
        assert json.loads(theirs[name]) == json.loads(pairs[name])
    switches = {name: text for name, text in variables(settings).items() if name in service["environment"]}
    assert {name: service["environment"][name] for name in switches} == switches
    assert {"VLLM_ALLOW_RUNTIME_LORA_UPDATING", "VLLM_NO_USAGE_STATS", "DO_NOT_TRACK"} <= set(switches)
    assert settings.vlm_served in service["command"][1]
