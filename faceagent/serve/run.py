"""Runs the application under uvicorn: keys on the first start, an end in order."""

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TextIO

import uvicorn
from fastapi import FastAPI

from faceagent.errors import InputError
from faceagent.serve import logs, tracing
from faceagent.serve.app import create_app
from faceagent.serve.service import Service
from faceagent.serve.settings import ServiceSettings
from faceagent.settings import Settings
from faceagent.storage.database import api_keys, browser_sessions
from faceagent.storage.database.engine import open_database

ENDING_SECONDS = 30
"""Time that requests under way have when the server is asked to end."""
KEEP_ALIVE_SECONDS = 15
BACKLOG = 1024
LINK_SECONDS = 900
"""Time in which the printed link has to be used; it is good once."""
HEADER_BYTES = 32 * 2**10
PRIVATE = 0o600


class _Server(uvicorn.Server):
    """Tells the service that it ends as soon as it is asked to: watchers of jobs leave, no further item is begun.

    uvicorn itself tells it only when the last connection is closed, and a watcher's would never be.
    """

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note the signal; called by uvicorn in its main thread."""
        app = self.config.app
        service: Service | None = getattr(app.state, "service", None) if isinstance(app, FastAPI) else None
        if service is not None:
            service.stopping.set()
        super().handle_exit(sig, frame)


def run(
    settings: ServiceSettings,
    analysis: Settings,
    *,
    new_admin_key: bool = False,
    warm: bool = False,
    say: Callable[[str], None],
    show_key: Callable[[str], None],
) -> None:
    """Serve until a signal ends it.

    Args:
        settings: of the service.
        analysis: of the analyst.
        new_admin_key: make another admin key, whether there is one or not.
        warm: load the models at once.
        say: prints a line for the person who starts it.
        show_key: prints the first admin key, apart from the logs; it is not called where the key goes into a file.

    Raises:
        StorageError: the database cannot be used.
        InputError: the address cannot be listened at.
    """
    make_first_key(settings, anew=new_admin_key, show_key=show_key)
    logs.set_up()
    tracing.set_up()
    listening = _listen(settings)
    host, port = listening.getsockname()[:2]
    say(f"faceagent serves http://{host}:{port}" + (" without keys" if settings.open else ""))
    if (code := make_link(settings)) is not None:
        say(f"Sign in once, within {LINK_SECONDS // 60} minutes: http://{host}:{port}/signin#{code}")
    config = uvicorn.Config(
        create_app(settings, analysis, warm=warm),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=ENDING_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        h11_max_incomplete_event_size=HEADER_BYTES,
    )
    # When it has ended in order, uvicorn raises the signal once more for whoever handled it before.
    before = {number: signal.signal(number, _ended) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        _Server(config).run(sockets=[listening])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ended(number: int, frame: object) -> None:
    """The server has ended as it was asked to."""
    del number, frame


def make_first_key(settings: ServiceSettings, *, anew: bool = False, show_key: Callable[[str], None]) -> None:
    """Make an admin key where there is none in force, and show it once or write it to ``settings.admin_key_file``.

    Raises:
        StorageError: the database cannot be used.
        InputError: the file is there already, or cannot be written.
    """
    if settings.open:
        return
    database = open_database(settings.database)
    try:
        known = api_keys.list_keys(database)
        if not anew and any(one.role == "admin" and one.revoked is None for one in known):
            return
        if settings.admin_key_file is None:
            show_key(api_keys.create_key(database, "admin", "admin").secret)
            return
        # The file is there before the key is, so that no key is made that nobody gets to see.
        with _private(settings.admin_key_file) as file:
            file.write(api_keys.create_key(database, "admin", "admin").secret + "\n")
    finally:
        database.close()


def _private(path: Path) -> TextIO:
    """A new file that its user alone can read. Raises InputError."""
    try:
        return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE), "w", encoding="ascii")
    except OSError as error:
        raise InputError(
            f"The admin key cannot be written to {path}: {error.strerror}.", remedy="Name a file that is not there yet."
        ) from error


def make_link(settings: ServiceSettings) -> str | None:
    """The code of a link that signs one browser in as an admin; None where no keys are needed. Raises StorageError."""
    if settings.open:
        return None
    database = open_database(settings.database)
    try:
        admins = (one.id for one in api_keys.list_keys(database) if one.role == "admin" and one.revoked is None)
        key_id = next(admins, None)
        return None if key_id is None else browser_sessions.open_session(database, key_id, LINK_SECONDS, "link")
    finally:
        database.close()


def _listen(settings: ServiceSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
        # From here on a connection waits for the server's start instead of being refused.
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise InputError(
            f"{settings.host}:{settings.port} cannot be listened at: {error.strerror}.", remedy="Choose another --port."
        ) from error
    return listening
