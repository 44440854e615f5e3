"""urllib3 is imported without a socket, and is the same as when it opens one."""

import subprocess
import sys

SCRIPT = """
import socket, sys
opened = []
sys.addaudithook(lambda event, arguments: opened.append(event) if event == "socket.__new__" else None)
if sys.argv[1] == "ours":
    import faceagent.agent.graph, faceagent.storage.sessions
import urllib3.util.connection
print(len(opened), urllib3.util.connection.HAS_IPV6, socket.has_ipv6)
"""


def test_it_answers_as_the_socket_would() -> None:
    ours, theirs = (
        subprocess.run(
            [sys.executable, "-c", SCRIPT, whose], capture_output=True, text=True, timeout=120
        ).stdout.split()
        for whose in ("ours", "theirs")
    )
    assert ours[0] == "0" and ours[1:] == theirs[1:]
