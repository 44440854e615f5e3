"""Imports urllib3 without the socket that it opens while it is imported.

LangGraph imports LangSmith's client, and that urllib3, though nothing here ever makes a request with it. urllib3 finds
out whether this machine has IPv6 by binding a socket to ::1. faceagent promises that a run opens no socket, so on Linux
the kernel's list of addresses is read instead, which gives the same answer.
"""

import importlib
import importlib.util
import socket
import sys
from pathlib import Path

ADDRESSES = Path("/proc/net/if_inet6")
LOOPBACK = "0" * 31 + "1"


def import_urllib3() -> None:
    """Import it where it is installed and not yet imported. Call before LangGraph is imported."""
    if "urllib3" in sys.modules or sys.platform != "linux" or importlib.util.find_spec("urllib3") is None:
        return
    before = socket.has_ipv6
    socket.has_ipv6 = False
    try:
        connection = importlib.import_module("urllib3.util.connection")
    finally:
        socket.has_ipv6 = before
    vars(connection)["HAS_IPV6"] = before and _has_loopback()


def _has_loopback() -> bool:
    """Whether the address ::1 can be bound."""
    try:
        return any(line.startswith(LOOPBACK) for line in ADDRESSES.read_text(encoding="ascii").splitlines())
    except OSError:
        return False
