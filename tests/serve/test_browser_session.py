"""Browsers sign in with a key or a link, once; the cookie opens the API to our own pages only."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_service import Server

from faceagent.serve.run import make_first_key, make_link
from faceagent.serve.settings import ServiceSettings
from faceagent.storage.database.browser_sessions import open_session

OURS = {"sec-fetch-site": "same-origin"}


def sign_in(server: Server, role: str = "submit", **body: str) -> str:
    answer = server.client.post("/v1/session", json=body or {"key": server.keys[role].secret})
    assert answer.status_code == 201, answer.text
    assert {"HttpOnly", "SameSite=strict"} <= set(re.split(r"; ", answer.headers["set-cookie"]))
    token = answer.headers["set-cookie"].partition(";")[0].partition("=")[2]
    # The cookie is for HTTPS, which the client of the tests does not speak.
    server.client.cookies.set("faceagent_session", token)
    return str(token)


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    return serve()


def test_a_key_becomes_a_session_that_ends(server: Server) -> None:
    assert server.client.get("/desk/who").json() == {"session": None}
    token = sign_in(server, "review")
    assert server.client.get("/v1/session", headers=OURS).json()["role"] == "review"
    assert server.client.get("/desk/who", headers=OURS).json()["session"]["name"] == "review"
    place = Path(server.service.settings.database)
    assert all(token.encode() not in path.read_bytes() for path in place.iterdir())
    assert server.client.delete("/v1/session", headers=OURS).status_code == 204
    server.client.cookies.set("faceagent_session", token)
    assert server.client.get("/v1/session", headers=OURS).status_code == 401


@pytest.mark.parametrize("body", [{}, {"key": "fa_x_y"}, {"link": "nothing"}, {"key": "é" * 50}])
def test_what_signs_nobody_in(server: Server, body: dict[str, str]) -> None:
    answer = server.client.post("/v1/session", json=body)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", OURS, 200),
        ("GET", {"sec-fetch-site": "none"}, 200),
        ("GET", {"sec-fetch-site": "cross-site"}, 403),
        ("GET", {"sec-fetch-site": "same-site"}, 403),
        ("DELETE", {"sec-fetch-site": "none"}, 403),
        ("DELETE", {}, 403),
        ("DELETE", {"origin": "https://elsewhere.example"}, 403),
        ("DELETE", {"origin": "http://testserver"}, 204),
    ],
)
def test_only_our_own_pages_are_let_in_by_the_cookie(
    server: Server, method: str, headers: dict[str, str], status: int
) -> None:
    sign_in(server)
    assert server.client.request(method, "/v1/session", headers=headers).status_code == status


def test_a_session_ends_by_time_and_with_its_key(serve: Callable[..., Server]) -> None:
    brief = serve(session_seconds=1e-6)
    sign_in(brief)
    assert brief.client.get("/v1/session", headers=OURS).status_code == 401
    server = serve()
    sign_in(server)
    server.delete(f"/v1/keys/{server.keys['submit'].key.id}", "admin")
    gone = server.client.get("/v1/session", headers=OURS)
    assert (gone.status_code, gone.json()["error"]["message"]) == (401, "Your session is over. Sign in again.")


def test_a_link_is_good_once(tmp_path: Path, serve: Callable[..., Server]) -> None:
    server = serve()
    link = make_link(server.service.settings)
    assert link is not None
    sign_in(server, link=link)
    assert server.client.get("/v1/session", headers=OURS).json()["role"] == "admin"
    assert server.client.post("/v1/session", json={"link": link}).status_code == 401
    late = open_session(server.service.database, server.keys["admin"].key.id, -1.0, "link")
    assert server.client.post("/v1/session", json={"link": late}).status_code == 401
    # A link is no session by itself.
    fresh = make_link(server.service.settings)
    server.client.cookies.set("faceagent_session", fresh)
    assert server.client.get("/v1/session", headers=OURS).status_code == 401
    assert make_link(ServiceSettings(database=str(tmp_path), open=True)) is None


def test_a_server_without_a_key_in_force_gives_no_link(tmp_path: Path) -> None:
    settings = ServiceSettings(database=str(tmp_path / "new"))
    assert make_link(settings) is None
    make_first_key(settings, show_key=lambda text: None)
    assert make_link(settings) is not None


def test_without_keys_everybody_here_is_signed_in(serve: Callable[..., Server]) -> None:
    server = serve(open=True)
    here = {"host": "127.0.0.1"}
    assert server.client.get("/desk/who", headers=here).json()["session"]["keyless"] is True
    assert server.client.get("/v1/session", headers=here).json()["role"] == "admin"
    assert server.client.post("/v1/session", headers=here, json={}).status_code == 201
