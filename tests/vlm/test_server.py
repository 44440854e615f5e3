"""The launcher with real processes: what it starts, waits for, finds again and stops."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from faceagent.errors import ModelUnavailable
from faceagent.settings import Settings
from faceagent.vlm import environment, launch, server
from faceagent.weights import exit_with_parent as script

STAND_IN = Path(__file__).with_name("stand_in.py")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def quiet(_: str) -> None:
    pass


def gone(pid: int) -> bool:
    """Whether a process has ended, given it a moment."""
    return soon(lambda: server._born(pid) is None)


def soon(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while not true() and time.monotonic() < until:
        time.sleep(0.05)
    return true()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A cache with an environment whose vllm is the stand-in, and two adapters."""
    env = tmp_path / "vllm-env"
    (env / "bin").mkdir(parents=True)
    (env / "bin" / "python").symlink_to(sys.executable)
    (env / "bin" / "vllm").symlink_to(STAND_IN)
    marker = {"build": "cpu", "recipe": environment.recipe("cpu")}
    (env / environment.MARKER).write_text(json.dumps(marker), encoding="utf-8")
    for name, rank in (("expression", 16), ("forgery", 24)):
        (tmp_path / "adapters" / name).mkdir(parents=True)
        card = tmp_path / "adapters" / name / "adapter_config.json"
        card.write_text(json.dumps({"r": rank}), encoding="utf-8")
    return tmp_path


def having(home: Path, model: str = "serves", **more: object) -> Settings:
    return Settings(
        profile="gpu", cache=home, vlm_model=model, vlm_adapters=home / "adapters", vlm_port=free_port(), **more
    )


def test_a_server_is_started_warmed_found_and_stopped_with_its_workers(home: Path) -> None:
    settings = having(home, vlm_key="s3cret")
    steps: list[str] = []
    state = server.start(settings, step=steps.append)
    try:
        assert server.find(settings) == state and state.alive() and state.healthy()
        assert (state.model, state.adapters) == ("serves", ("expression", "forgery"))
        log = state.log.read_text(encoding="utf-8")
        # The first use of everything is behind it.
        assert re.findall(r"asked (\w+) with Bearer s3cret", log) == ["serves", "expression", "forgery"]
        assert "key s3cret" in log
        shown = Path(f"/proc/{state.pid}/cmdline").read_text(encoding="utf-8")
        assert "s3cret" not in shown and "s3cret" not in server._file(settings, state.port).read_text()
        worker = int(re.findall(r"worker (\d+)", log)[0])
        with pytest.raises(ModelUnavailable, match="already"):
            server.start(settings, step=quiet)
        assert steps[0].startswith("starting") and steps[-1] == "warming up"
    finally:
        server.end(settings, state)
    assert not state.alive() and gone(worker)
    assert server.find(settings) is None and not server._file(settings, state.port).exists()
    server.end(settings, state)


def test_what_goes_wrong_at_the_start_is_said_with_the_end_of_the_log(home: Path) -> None:
    with pytest.raises(ModelUnavailable, match="exit 1") as caught:
        server.start(having(home, "dies"), step=quiet)
    assert "no room for the model" in caught.value.message
    settings = having(home, "hangs", vlm_start_seconds=1.5)
    with pytest.raises(ModelUnavailable, match=r"not ready after 1\.5 s"):
        server.start(settings, step=quiet)
    assert server.find(settings) is None
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ModelUnavailable, match="cannot be used") as caught:
            server.start(settings, taken.getsockname()[1], step=quiet)
        assert "--port" in (caught.value.remedy or "")
    with pytest.raises(ModelUnavailable) as caught:
        server.start(Settings(profile="gpu", cache=home / "empty"), step=quiet)
    assert caught.value.remedy == "Run `faceagent vlm setup`."


def test_a_machine_too_small_is_told_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(0 < gib < 10_000 for gib in server._free_gib())
    monkeypatch.setattr(server, "NEEDED_GIB", 10_000.0)
    with pytest.raises(ModelUnavailable, match="10000 GiB"):
        server._check_memory()


def test_a_process_that_took_over_the_number_is_not_ours(home: Path) -> None:
    settings = having(home)
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        born = server._born(stranger.pid)
        assert born is not None
        port = settings.vlm_port
        log = home / "x.log"
        state = server.ServerState(pid=stranger.pid, born=born - 1, port=port, model="m", adapters=(), log=log)
        server._file(settings, port).write_text(state.model_dump_json(), encoding="utf-8")
        assert server.find(settings) is None
        assert stranger.poll() is None
        server._file(settings, port).write_text("half a fi", encoding="utf-8")
        assert server.find(settings) is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_server_dies_with_its_parent_however_that_dies() -> None:
    child = "import time; print('up', flush=True); time.sleep(60)"
    code = (
        "import os, subprocess, sys\n"
        f"command = [sys.executable, '-I', {script.__file__!r}, str(os.getpid()), sys.executable, '-c', {child!r}]\n"
        "process = subprocess.Popen(command, start_new_session=True)\n"
        "print(process.pid, flush=True); process.wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        said = [parent.stdout.readline().strip(), parent.stdout.readline().strip()]
        pid = int(next(line for line in said if line != "up"))
        assert server._born(pid) is not None
        os.kill(parent.pid, signal.SIGKILL)
    assert gone(pid)


def test_serve_in_the_foreground_stops_its_server_when_it_is_told_to_end(home: Path) -> None:
    port = free_port()
    ours = {
        "FACEAGENT_PROFILE": "gpu",
        "FACEAGENT_CACHE": str(home),
        "FACEAGENT_VLM_MODEL": "serves",
        "FACEAGENT_VLM_PORT": str(port),
    }
    faceagent = [sys.executable, "-m", "faceagent", "vlm"]

    def run(*command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([*faceagent, *command], env=os.environ | ours, capture_output=True, text=True)

    settings = Settings(cache=home, vlm_port=port)
    with subprocess.Popen([*faceagent, "serve"], env=os.environ | ours, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        shown = process.stdout.readline()
        assert shown.split() == ["endpoint", f"http://127.0.0.1:{port}/v1"]
        state = server.find(settings)
        assert state is not None
        told = run("status")
        assert told.returncode == 0 and str(state.pid) in told.stdout
        process.terminate()
        assert process.wait(30) == 0
    assert gone(state.pid)
    assert run("status").returncode == 1
    assert run("stop").returncode == 0


def test_a_detached_server_lives_on_until_it_is_stopped(home: Path) -> None:
    port = free_port()
    ours = {"FACEAGENT_PROFILE": "gpu", "FACEAGENT_CACHE": str(home), "FACEAGENT_VLM_MODEL": "serves"}
    command = [sys.executable, "-m", "faceagent", "vlm"]
    done = subprocess.run(
        [*command, "serve", "--detach", "--port", str(port)], env=os.environ | ours, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    state = server.find(Settings(cache=home), port)
    assert state is not None and state.healthy()
    told = subprocess.run(
        [*command, "stop", "--port", str(port)], env=os.environ | ours, capture_output=True, text=True
    )
    assert f"Stopped process {state.pid}" in told.stderr and gone(state.pid)


def test_the_command_line_keeps_to_this_machine_and_fetches_nothing(home: Path) -> None:
    settings = having(home, vlm_key="s3cret", vlm_parallel=2, vlm_length=8192)
    what = launch.served_model(settings)
    said = launch.arguments(what, settings, "cuda", 1234)
    flags = dict(zip(said, said[1:], strict=False))
    assert flags["--host"] == "127.0.0.1" and flags["--port"] == "1234"
    assert flags["--allowed-media-domains"] == "media.invalid"
    assert (flags["--tensor-parallel-size"], flags["--max-model-len"]) == ("2", "8192")
    assert (flags["--max-loras"], flags["--max-lora-rank"]) == ("2", "32")
    assert json.loads(flags["--structured-outputs-config"])["disable_any_whitespace"] is True
    assert said[-2:] == [f"expression={home}/adapters/expression", f"forgery={home}/adapters/forgery"]
    assert "--enforce-eager" not in said and "float32" not in said
    slow = launch.arguments(what, settings, "cpu", 1234)
    assert {"--enforce-eager", "float32"} <= set(slow)
    assert slow[slow.index("--max-loras") + 1] == "3"
    assert "s3cret" not in " ".join(said)
    assert launch.variables(settings)["VLLM_API_KEY"] == "s3cret"


def test_a_server_without_a_key_of_the_user_gets_one_that_this_user_alone_can_read(home: Path) -> None:
    settings = having(home)
    state = server.start(settings, step=quiet)
    try:
        key = server.key_for(settings)
        assert key is not None and len(key.get_secret_value()) > 30
        assert f"key {key.get_secret_value()}" in state.log.read_text(encoding="utf-8")
        assert server.key_file(settings, state.port).stat().st_mode & 0o777 == 0o600
        assert key.get_secret_value() not in Path(f"/proc/{state.pid}/cmdline").read_text(encoding="utf-8")
        # Another endpoint does not get to see it.
        away = settings.model_copy(update={"vlm_endpoint": "http://127.0.0.1:9/v1"})
        assert server.key_for(away) is None
    finally:
        server.end(settings, state)
    assert server.key_for(settings) is None and not server.key_file(settings, state.port).exists()


@pytest.mark.parametrize("name", ["--trust-remote-code", "-x", "a=b", "two words", "new\nline", ".hidden"])
def test_a_folder_whose_name_could_be_a_flag_is_refused(home: Path, name: str) -> None:
    (home / "adapters" / name).mkdir()
    (home / "adapters" / name / "adapter_config.json").write_text('{"r": 8}', encoding="utf-8")
    with pytest.raises(ModelUnavailable, match="An adapter cannot be called"):
        launch.served_model(having(home))


def test_nobody_may_load_another_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_ALLOW_RUNTIME_LORA_UPDATING", "1")
    assert launch.variables(Settings())["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "0"


def test_a_server_gets_nothing_of_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEAGENT_VLM_KEY", "s3cret")
    monkeypatch.setenv("PYTHONPATH", "/ours")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("VLLM_API_KEY", "another")
    monkeypatch.setenv("VLLM_CPU_OMP_THREADS_BIND", "0-1")
    told = launch.variables(Settings(vlm_key=None))
    assert not {"FACEAGENT_VLM_KEY", "PYTHONPATH", "OMP_NUM_THREADS", "VLLM_API_KEY"} & told.keys()
    assert told["HF_HUB_OFFLINE"] == "1" and told["VLLM_NO_USAGE_STATS"] == "1"
    assert told["VLLM_CPU_OMP_THREADS_BIND"] == "0-1"
    assert "HF_HUB_OFFLINE" not in launch.variables(Settings(profile="gpu"))
