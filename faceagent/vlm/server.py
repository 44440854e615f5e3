"""Our own vLLM server as a process: start, wait until ready, warm up, find, stop.

A server is identified by its port. While it runs, a small file in the cache holds its process id and start time; the
id alone is not enough, because the system reuses ids. A process that we did not start is never stopped.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess  # noqa: S404 - vLLM is a program of its own
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import numpy as np
from pydantic import SecretStr, ValidationError

from faceagent.atomic_write import atomic_write
from faceagent.errors import ModelUnavailable
from faceagent.settings import Settings
from faceagent.types import FrozenModel
from faceagent.vlm import chat_template, environment, launch
from faceagent.vlm.embedded_model import SIZE
from faceagent.vlm.http_client import HttpClient
from faceagent.vlm.openai_backend import OpenAIBackend
from faceagent.vlm.protocol import GenerationRequest, Message
from faceagent.weights import exit_with_parent as parent_script

GRACE = 20.0
"""Seconds between SIGTERM and SIGKILL."""
PAUSE = 0.3
"""Seconds between two polls."""
NEEDED_GIB = 5.0
"""Memory that vLLM takes with the embedded model, on a CPU."""
SHOWN = 15
"""Lines of its log that an error quotes."""

OnStep = Callable[[str], None]
"""Called with a message for the user about the current step."""


_children: "dict[int, subprocess.Popen[bytes]]" = {}
"""Servers that this process started and that have not been waited for, by process id."""


class ServerState(FrozenModel):
    """One server that was started."""

    pid: int
    born: int
    """Start time of the process in the kernel's clock ticks since boot."""
    port: int
    model: str
    adapters: tuple[str, ...]
    log: Path

    @property
    def url(self) -> str:
        """Base URL, as FACEAGENT_VLM_ENDPOINT wants it."""
        return f"http://{launch.HOST}:{self.port}/v1"

    def alive(self) -> bool:
        """Whether the process that was started still runs; another process with its id does not count."""
        return _born(self.pid) == self.born

    def healthy(self) -> bool:
        """Whether the server's health check succeeds now."""
        with contextlib.suppress(httpx2.HTTPError):
            answer = httpx2.get(f"http://{launch.HOST}:{self.port}/health", timeout=5.0, trust_env=False)
            return answer.status_code == httpx2.codes.OK
        return False


def start(
    settings: Settings, port: int | None = None, *, exit_with_parent: bool = True, step: OnStep = print
) -> ServerState:
    """Start a server; returns when it is warmed up and answers requests.

    Args:
        settings: which model with which limits; where vLLM's environment and the log lie.
        port: None takes the one of the settings.
        exit_with_parent: it ends when this process ends (Linux; the calling thread has to live as long).
        step: called with a message for the user at every step.

    Raises:
        ModelUnavailable: no environment, port taken, too little memory, or vLLM ended or hung while starting.
    """
    port = settings.vlm_port if port is None else port
    where = environment.find(settings)
    if (old := find(settings, port)) is not None:
        raise ModelUnavailable(
            f"A server runs on port {port} already (process {old.pid}).", remedy="Stop it with `faceagent vlm stop`."
        )
    _check_port(port)
    settings = _with_key(settings, port)
    model = launch.served_model(settings)
    if where.build == "cpu" and settings.vlm_served is None:
        _check_memory()
    log = settings.cache / f"vllm-{port}.log"
    step(f"starting vLLM with {model.name} and {len(model.adapters)} adapters; log: {log}")
    command = [str(where.python), str(where.vllm), *launch.arguments(model, settings, where.build, port)]
    if exit_with_parent:
        command = [str(where.python), "-I", parent_script.__file__, str(os.getpid()), *command]
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603 - our own arguments, no shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=launch.variables(settings),
            start_new_session=True,
        )
    _children[process.pid] = process
    state = ServerState(
        pid=process.pid,
        born=_born(process.pid) or 0,
        port=port,
        model=model.name,
        adapters=tuple(model.adapters),
        log=log,
    )
    _file(settings, port).write_text(state.model_dump_json(), encoding="utf-8")
    try:
        _wait_until_healthy(process, state, settings.vlm_start_seconds, step)
        step("warming up")
        _warm(state, settings)
    except BaseException:
        end(settings, state)
        raise
    return state


def key_for(settings: Settings) -> SecretStr | None:
    """The key of the endpoint that the settings name: theirs, or the one of a server that was started here."""
    if settings.vlm_key is not None or settings.vlm_url is None:
        return settings.vlm_key
    parts = urlsplit(settings.vlm_url)
    if parts.hostname not in (launch.HOST, "localhost") or parts.port is None or find(settings, parts.port) is None:
        return None
    with contextlib.suppress(OSError):
        return SecretStr(key_file(settings, parts.port).read_text(encoding="ascii").strip())
    return None


def key_file(settings: Settings, port: int) -> Path:
    """Where the key of a server that was started here is kept, for this user alone."""
    return settings.cache / f"vllm-{port}.key"


def _with_key(settings: Settings, port: int) -> Settings:
    """The settings with a key: without one, every user of this machine could use the server."""
    if settings.vlm_key is not None:
        return settings
    key = secrets.token_urlsafe(32)
    with atomic_write(key_file(settings, port), 0o600) as draft:
        draft.write_text(key, encoding="ascii")
    return settings.model_copy(update={"vlm_key": SecretStr(key)})


def find(settings: Settings, port: int | None = None) -> ServerState | None:
    """The running server on this port that was started with this cache, or None."""
    path = _file(settings, settings.vlm_port if port is None else port)
    with contextlib.suppress(OSError, ValidationError):
        state = ServerState.model_validate_json(path.read_text(encoding="utf-8"))
        if state.alive():
            return state
        path.unlink(missing_ok=True)
    return None


def end(settings: Settings, state: ServerState) -> None:
    """Stop this server and all its processes: SIGTERM first, SIGKILL after ``GRACE``."""
    if state.alive():
        _signal(state, signal.SIGTERM)
        until = time.monotonic() + GRACE
        while state.alive() and time.monotonic() < until:
            time.sleep(PAUSE)
    # Its workers are in its process group and may outlive it.
    _signal(state, signal.SIGKILL)
    if (child := _children.pop(state.pid, None)) is not None:
        child.wait()
    _file(settings, state.port).unlink(missing_ok=True)
    key_file(settings, state.port).unlink(missing_ok=True)


def wait(state: ServerState) -> int:
    """Wait until a server that this process started has ended; returns its exit code."""
    return _children[state.pid].wait()


def _wait_until_healthy(process: "subprocess.Popen[bytes]", state: ServerState, seconds: float, step: OnStep) -> None:
    """Wait until the server answers. Raises ModelUnavailable, with the end of its log, if it ends or takes too long."""
    began = time.monotonic()
    while not state.healthy():
        code = process.poll()
        taken = time.monotonic() - began
        if code is not None or taken > seconds:
            how = f"ended while starting (exit {code})" if code is not None else f"was not ready after {seconds:g} s"
            raise ModelUnavailable(
                f"vLLM {how}. The end of its log:\n{environment.tail(state.log, SHOWN)}\n",
                remedy=f"The whole log is {state.log}.",
            )
        step(f"waiting for vLLM, {taken:.0f} s")
        time.sleep(PAUSE)


def _warm(state: ServerState, settings: Settings) -> None:
    """One request with picture and schema to every adapter: the first one of each takes seconds."""
    form = {"type": "object", "properties": {"ok": {"enum": [True]}}, "required": ["ok"], "additionalProperties": False}
    picture = chat_template.encode_png(np.zeros((SIZE, SIZE, 3), dtype=np.uint8))
    remote = OpenAIBackend(
        HttpClient(state.url, settings.vlm_key, settings.vlm_start_seconds, settings.vlm_retries), state.model
    )
    with contextlib.closing(remote):
        for adapter in (None, *state.adapters):
            remote.ask(
                GenerationRequest(
                    turns=(Message(text=".", images=(picture,)),), format=form, adapter=adapter, max_tokens=16
                )
            )


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((launch.HOST, port))
        except OSError as error:
            raise ModelUnavailable(
                f"Port {port} cannot be used: {error.strerror}.",
                remedy="Name another with --port, or set FACEAGENT_VLM_PORT.",
            ) from error


def _check_memory() -> None:
    free = min(_free_gib(), default=NEEDED_GIB)
    if free < NEEDED_GIB:
        raise ModelUnavailable(
            f"vLLM needs {NEEDED_GIB:g} GiB of memory for the embedded model; {free:.1f} are free.",
            remedy="Close other programs, or let the model run in this process (no endpoint set): it takes 1.5 GiB.",
        )


def _free_gib() -> Iterator[float]:
    """Free memory of the machine and of this container, in GiB; nothing for a value that cannot be read."""
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        yield int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1]) / 2**20
    with contextlib.suppress(OSError, ValueError):
        home = Path("/sys/fs/cgroup")
        limit, used = ((home / name).read_text(encoding="ascii") for name in ("memory.max", "memory.current"))
        yield (int(limit) - int(used)) / 2**30


def _born(pid: int) -> int | None:
    """Start time of this process in clock ticks since boot; None when it does not exist or is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _signal(state: ServerState, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(state.pid, number)


def _file(settings: Settings, port: int) -> Path:
    return settings.cache / f"vllm-{port}.json"
