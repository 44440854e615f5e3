"""The desk's own files: whole, small, without anything from elsewhere, in three languages."""

import json
import re
import tomllib
from html import unescape
from importlib import resources

import pytest
from fake_service import Server

from faceagent.agent.runtime import build_tools
from faceagent.policy import PURPOSES
from faceagent.serve import desk
from faceagent.settings import Settings
from faceagent.types import LANGUAGES, PARTS, Quality

MOST_BYTES = 300_000
MOST_LINES = 300
MARKUP = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
"""What would take text for markup or for code."""


def words(language: str) -> dict[str, dict[str, str]]:
    return tomllib.loads(
        resources.files("faceagent.serve.desk").joinpath(f"words/{language}.toml").read_text(encoding="utf-8")
    )


@pytest.mark.parametrize("path", [*sorted(desk.PAGES), "/case/case_0123456789abcdef01234567"])
def test_every_page_is_the_shell_and_needs_no_key(server: Server, path: str) -> None:
    answer = server.client.get(path)
    assert answer.headers["content-type"].startswith("text/html")
    assert "/desk/main.js" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy and "script-src" not in policy and "*" not in policy
    again = server.client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def asked_first(server: Server, path: str, **headers: str) -> list[str]:
    page = server.client.get(path, headers=headers).text
    return [unescape(one) for one in re.findall(r'<link rel="preload" as="fetch" crossorigin href="([^"]+)">', page)]


def test_a_page_names_what_its_script_asks_for_letter_for_letter(server: Server) -> None:
    cookie = "faceagent_session=x; faceagent_language=es"
    assert asked_first(server, "/queue", cookie=cookie) == [
        "/desk/who",
        "/desk/words-es.json",
        "/v1/cases?sort=created&order=desc&limit=30&language=es",
    ]
    case = "/v1/cases/case_0123456789abcdef01234567"
    found = asked_first(server, f"/case/{case.rpartition('/')[2]}", cookie=cookie)
    assert found[2:] == [case, f"{case}/view?language=es"]
    chosen = asked_first(server, "/queue?sign_off=open", **{"cookie": cookie, "accept-language": "zh-CN,en"})
    assert chosen == ["/desk/who", "/desk/words-es.json"]
    without = asked_first(server, "/case/case_0%22%3E%3Cscript%3E", **{"accept-language": "zh-CN,en"})
    assert without == ["/desk/who", "/desk/words-zh.json"]


def test_files_are_named_and_nothing_else_is_read(server: Server) -> None:
    for name, file in desk.files().items():
        answer = server.client.get(f"/desk/{name}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, file.kind)
    for name in ("nothing.js", "__init__.py", "..%2f__init__.py", "%2e%2e", "en.toml"):
        assert server.client.get(f"/desk/{name}").status_code == 404


def test_all_that_a_page_loads_is_small() -> None:
    loaded = [file for name, file in desk.files().items() if not name.startswith("words-")]
    largest = max(len(file.data) for name, file in desk.files().items() if name.startswith("words-"))
    assert sum(len(file.data) for file in loaded) + largest <= MOST_BYTES


def test_nothing_comes_from_elsewhere_and_nothing_is_inline() -> None:
    for name, file in desk.files().items():
        text = file.data.decode()
        addresses = set(re.findall(r"https?://[^\s\"'`)]+", text)) - {"http://www.w3.org/2000/svg"}
        assert not addresses, (name, addresses)
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), (
            name
        )
        if name.endswith(".html"):
            assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|style=", text)
    for file in resources.files("faceagent.serve.desk").joinpath("files").iterdir():
        assert file.read_text(encoding="utf-8").count("\n") < MOST_LINES, file.name


def test_scripts_import_files_that_exist() -> None:
    for name, file in desk.files().items():
        for wanted in re.findall(r'(?:from|import\()\s*"\./([\w.-]+)"', file.data.decode()):
            assert wanted in desk.files(), (name, wanted)


def test_every_word_that_the_scripts_ask_for_is_there() -> None:
    table = desk.words("en")
    asked = set()
    for name, file in desk.files().items():
        if name.endswith(".js"):
            asked |= set(re.findall(r'\bt\("([a-z0-9_]+)\.([a-z0-9_]+)"', file.data.decode()))
    assert len(asked) > 80
    assert [one for one in sorted(asked) if one[1] not in table.get(one[0], {})] == []
    assert set(table["purposes"]) == set(PURPOSES)
    assert set(table["face_parts"]) == set(PARTS)
    assert set(table["quality"]) == set(Quality.model_fields)
    assert set(build_tools(Settings())) <= set(table["tools"])


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_other_languages_have_the_same_words_with_the_same_places(server: Server, language: str) -> None:
    base, own = words("en"), words(language)
    for section, table in base.items():
        assert section in own
        missing = set(table) - set(own[section]) - (set(table) if section == "reasons" else set())
        assert not missing, (section, missing)
        for key, text in own[section].items():
            if key in table:
                assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", table[key])), (section, key)
    sent = json.loads(server.client.get(f"/desk/words-{language}.json").content)
    assert sent["nav"]["language"] == own["nav"]["language"]
    assert "forgery" in sent["titles"]


@pytest.mark.parametrize("script", [*sorted(desk.PAGES.values()), desk.CASE_SCRIPT])
def test_a_shell_names_every_script_that_its_page_imports(script: str) -> None:
    named = set(re.findall(r'rel="modulepreload" href="/desk/(\w+\.js)"', desk.shell(script).data.decode()))
    assert {script, "main.js", "words.js"} <= named
    for one in named:
        text = desk.files()[one].data.decode()
        assert set(re.findall(r'from\s+"\./([^"]+)"', text)) <= named
