"""Servers for the tests of the transport."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from fake_service import Server, start_server

from faceagent.storage.database import api_keys


@pytest.fixture(autouse=True, scope="session")
def _quick_hashes() -> Iterator[None]:
    """The real hash takes 50 ms and 64 MB, on purpose."""
    before = api_keys._hasher
    api_keys._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    yield
    api_keys._hasher = before


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """``serve(rate=5)``: a server of its own with these settings of the service."""
    with ExitStack() as stack:
        started: list[Server] = []

        def start(**settings: Any) -> Server:
            server, client = start_server(tmp_path / f"service{len(started)}", **settings)
            stack.push(client.__exit__)
            started.append(server)
            return server

        yield start


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the default settings, shared by the tests of a module."""
    server, client = start_server(tmp_path_factory.mktemp("serve") / "service")
    yield server
    client.__exit__(None, None, None)
