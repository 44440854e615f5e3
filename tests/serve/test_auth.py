"""Keys and roles: who may ask, how often, and what is written down."""

from collections.abc import Callable
from pathlib import Path

import pytest
from fake_service import Server, picture_bytes

from faceagent.errors import InputError, SettingsError
from faceagent.serve.run import make_first_key
from faceagent.serve.settings import ServiceSettings, load_service
from faceagent.storage.database import api_keys
from faceagent.storage.database.engine import open_database

PNG = picture_bytes()


def test_without_a_key_nothing_is_answered_but_health(server: Server) -> None:
    paths = [path for path in server.client.get("/openapi.json").json()["paths"] if path.startswith("/v1")]
    assert len(paths) > 5
    for path, entry in server.client.get("/openapi.json").json()["paths"].items():
        if not path.startswith("/v1"):
            continue
        for method in entry:
            answer = server.client.request(method, path.replace("{", "").replace("}", ""))
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
    assert server.client.get("/healthz").status_code == server.client.get("/readyz").status_code == 200
    assert server.client.get("/metrics").status_code == 401


def test_wrong_and_revoked_keys(serve: Callable[..., Server]) -> None:
    server = serve()
    for secret in ("", "fa_x_y", server.keys["submit"].secret[:-1], "Basic abc"):
        answer = server.client.get("/v1/cases", headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == 401
    assert server.get("/v1/cases").status_code == 200
    assert server.delete(f"/v1/keys/{server.keys['submit'].key.id}", "admin").status_code == 204
    assert server.get("/v1/cases").status_code == 401
    assert server.delete(f"/v1/keys/{server.keys['submit'].key.id}", "admin").status_code == 404


def test_roles(serve: Callable[..., Server]) -> None:
    server = serve()
    assert server.get("/v1/keys", "submit").status_code == 403
    assert server.get("/v1/keys", "review").status_code == 403
    assert len(server.get("/v1/keys", "admin").json()["keys"]) == 3
    assert server.get("/metrics", "submit").status_code == 403
    assert b"faceagent_requests_total" in server.get("/metrics", "review").content


def test_secrets_are_shown_once(server: Server) -> None:
    made = server.post("/v1/keys", "admin", json={"name": "shop", "role": "submit", "rate": 7})
    assert made.status_code == 201
    secret = made.json()["secret"]
    assert server.client.get("/v1/cases", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    assert secret not in server.get("/v1/keys", "admin").text
    log = server.get("/v1/audit", "admin").json()["entries"]
    assert [log[0]["action"], log[0]["target"]] == ["key.create", made.json()["key"]["id"]]
    place = Path(server.service.settings.database)
    assert all(secret.encode() not in path.read_bytes() for path in place.iterdir())
    assert all(path.stat().st_mode & 0o077 == 0 for path in place.iterdir())


def test_rate_and_quota_of_a_key(serve: Callable[..., Server]) -> None:
    server = serve(rate=3)
    answers = [server.get("/v1/cases") for _ in range(4)]
    if [one.status_code for one in answers] == [200, 200, 200, 200]:  # a minute began in between
        answers = [server.get("/v1/cases") for _ in range(4)]
    assert answers[-1].status_code == 429
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert server.get("/v1/cases", "review").status_code == 200


def test_without_keys_only_this_machine_is_answered(serve: Callable[..., Server]) -> None:
    assert serve(open=True).client.get("/v1/keys", headers={"host": "127.0.0.1"}).status_code == 200
    with pytest.raises(SettingsError) as caught:
        load_service(open=True, host="0.0.0.0")  # noqa: S104 - it is refused
    assert "127.0.0.1" in str(caught.value)


def test_the_first_admin_key_is_printed_once(tmp_path: Path) -> None:
    settings, said = ServiceSettings(database=str(tmp_path / "new")), list[str]()
    make_first_key(settings, show_key=said.append)
    make_first_key(settings, show_key=said.append)
    assert len(said) == 1
    make_first_key(settings, anew=True, show_key=said.append)
    assert len(said) == 2 and said[0] != said[1]


def test_the_first_admin_key_can_go_into_a_private_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    settings = ServiceSettings(database=str(tmp_path / "s"), admin_key_file=file)
    for _ in range(2):
        make_first_key(settings, show_key=pytest.fail)
    assert file.stat().st_mode & 0o077 == 0
    database = open_database(settings.database)
    found = api_keys.find_key(database, file.read_text().strip())
    assert found is not None and found.role == "admin"
    with pytest.raises(InputError, match="not there yet"):
        make_first_key(settings, anew=True, show_key=pytest.fail)
    assert len(api_keys.list_keys(database)) == 1, "a key was made that nobody can know"
    database.close()
