"""An OpenAI-compatible server on loopback that does what a test tells it to."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

MODELS = {"data": [{"id": "base"}, {"id": "expression", "parent": "base"}]}


def completion(text: str | None, finish: str = "stop", **more: Any) -> dict[str, Any]:
    """A whole answer."""
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": finish, **more}
    return {"choices": [choice], "usage": {"completion_tokens": 3}}


@dataclass
class Reply:
    """What the server sends. ``promised`` more bytes than it has make the connection break off."""

    body: bytes
    status: int = 200
    kind: str = "application/json"
    promised: int = 0

    @classmethod
    def json(cls, value: Any, status: int = 200) -> "Reply":
        return cls(json.dumps(value).encode(), status)

    @classmethod
    def events(cls, *values: Any, done: bool = True, promised: int = 0) -> "Reply":
        lines = [f"data: {json.dumps(value)}\n\n" for value in values] + ["data: [DONE]\n\n"] * done
        return cls("".join(lines).encode(), kind="text/event-stream", promised=promised)


@dataclass
class Endpoint:
    """The server as a test sees it: replies in their order (the last one for ever), and what was asked."""

    url: str = ""
    models: Reply = field(default_factory=lambda: Reply.json(MODELS))
    replies: list[Reply | Callable[[dict[str, Any]], Reply]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    told = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(told.models)

        def do_POST(self) -> None:
            told.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            told.headers.append(dict(self.headers))
            reply = told.replies.pop(0) if len(told.replies) > 1 else told.replies[0]
            self._send(reply(told.asked[-1]) if callable(reply) else reply)

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(reply.body) + reply.promised))
            self.end_headers()
            self.wfile.write(reply.body)
            self.close_connection = bool(reply.promised)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield told
    server.shutdown()
    thread.join()
    server.server_close()
