"""``faceagent doctor --server``: whether the service is installed, answers, is ready, and takes the key that is set."""

import os
from collections.abc import Iterator
from importlib import metadata

from faceagent.cli.findings import Finding
from faceagent.client import Client, ServiceError
from faceagent.client.exchange import DEFAULT_URL, KEY_VARIABLE, URL_VARIABLE
from faceagent.errors import FaceagentError
from faceagent.version import __version__

PACKAGES = ("fastapi", "uvicorn", "sqlalchemy", "alembic", "argon2-cffi", "structlog", "taskiq", "prometheus-client")
SECONDS = 10.0
"""Time limit for each answer of the service."""


def examine_server(url: str | None = None) -> Iterator[Finding]:
    """Check the service at ``url``; default: FACEAGENT_SERVICE_URL, else this machine. Changes nothing there."""
    yield _installed()
    address = url or os.environ.get(URL_VARIABLE) or DEFAULT_URL
    try:
        with Client(address, seconds=SECONDS, retries=0) as client:
            yield from _answers(client, address)
    except FaceagentError as error:
        yield Finding("missing", "service", error.message, error.remedy)


def _installed() -> Finding:
    lacking = [name for name in PACKAGES if not _has(name)]
    if lacking:
        words = f"to serve from this machine {', '.join(lacking)} are missing"
        return Finding("optional", "service packages", words, "pip install 'faceagent[serve]'")
    return Finding("ok", "service packages", "installed")


def _answers(client: Client, address: str) -> Iterator[Finding]:
    health = client.health()
    if health.version == __version__:
        yield Finding("ok", "service", f"{address}, version {health.version}")
    else:
        words = f"{address} has version {health.version}, this is {__version__}"
        yield Finding("optional", "service", words, "Use the same version on both sides.")
    try:
        ready = client.ready()
        yield Finding("ok", "service is ready", f"{ready.open_items} pictures of jobs are not finished")
    except ServiceError as error:
        yield Finding("missing", "service is ready", error.message, "Wait, or look at the service's log.")
    try:
        found = client.tools()
        yield Finding("ok", "key", f"valid; {len(found)} tools")
    except ServiceError as error:
        given = bool(os.environ.get(KEY_VARIABLE))
        wrong = given or error.status != 401
        yield Finding("missing" if wrong else "optional", "key", error.message, error.remedy)


def _has(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
