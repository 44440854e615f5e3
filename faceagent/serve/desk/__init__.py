"""The desk: the web page of the service. Plain files from the package, no build step, nothing from elsewhere.

One shell of HTML serves every page; the scripts below ``/desk/`` draw it from the JSON of ``/v1``. The shell names all
that its page asks for first, so that scripts, words and data come at the same time and not one after the other.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from importlib import resources
from typing import Any, NamedTuple

from faceagent.explain.summary.sentences import sentences_in
from faceagent.policy import PURPOSES
from faceagent.report.headings import headings_in
from faceagent.types import LANGUAGES, QUESTIONS

PAGES = {"/": "intake.js", "/queue": "queue.js", "/policies": "policies.js", "/signin": "signin.js"}
"""The script of each page; ``main.js`` frames them all."""
CASE, CASE_SCRIPT = "/case/", "case.js"
"""A page per case: ``/case/case_3f…``."""
FIRST: Mapping[str, tuple[str, ...]] = {
    "intake.js": ("/v1/cases?limit=8&language={language}",),
    "queue.js": ("/v1/cases?sort=created&order=desc&limit=30&language={language}",),
    "policies.js": ("/v1/policies", "/v1/policies/strictest"),
    CASE_SCRIPT: ("/v1/cases/{case}", "/v1/cases/{case}/view?language={language}"),
}
"""What the script of a page asks for as soon as it runs, letter for letter; else it would be asked for twice."""
STYLES = ("desk.css", "case.css", "queue.css")
"""After the tokens; sent as one file, ``style.css``."""
LANGUAGE_COOKIE = "faceagent_language"
FILES = "/desk/"
FILE = f"{FILES}{{stem}}.{{ending}}"
"""The pattern of their addresses; not that of ``/desk/who``."""
POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'"
)
"""``blob:`` and ``data:`` are pictures that the page holds itself: a drop that is not sent yet, a drawn heat map."""
SHARED = ("titles", "purposes", "signed")
"""Words that the reports have as well."""
_IMPORT = re.compile(r'^import .* from "\./(\w+\.js)";$', re.MULTILINE)
TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "json": "application/json",
}


class File(NamedTuple):
    """A file as it is sent."""

    data: bytes
    kind: str
    etag: str


@cache
def files() -> Mapping[str, File]:
    """Every file below ``/desk/`` by name."""
    folder = resources.files("faceagent.serve.desk").joinpath("files")
    found = {one.name: one.read_bytes() for one in folder.iterdir() if one.name.rpartition(".")[2] in TYPES}
    tokens = resources.files("faceagent.report").joinpath("templates/tokens.css").read_bytes()
    found["style.css"] = b"\n".join([tokens, *(found.pop(name) for name in STYLES)])
    for language in LANGUAGES:
        found[f"words-{language}.json"] = json.dumps(words(language), ensure_ascii=False).encode()
    return {name: File(data, TYPES[name.rpartition(".")[2]], _etag(data)) for name, data in found.items()}


def shell(script: str, asked: Iterable[str] = ()) -> File:
    """``index.html`` for the page that a script draws: it names every script needed, and ``asked``, addresses of JSON.

    A browser would else find them one import after the other, a round trip each.
    """
    data = [f'<link rel="preload" as="fetch" crossorigin href="{escape(one)}">\n' for one in asked]
    scripts = [f'<link rel="modulepreload" href="{FILES}{one}">\n' for one in _imported("main.js", script)]
    page = files()["index.html"].data.replace(b"<script", "".join([*data, *scripts]).encode() + b"<script", 1)
    return File(page, TYPES["html"], _etag(page))


def asked_first(script: str, language: str, *, signed_in: bool, case_id: str = "") -> tuple[str, ...]:
    """The addresses of what the script of a page asks for as soon as it runs; without a session no data."""
    page = (f"{FILES}who", f"{FILES}words-{language}.json")
    return (*page, *(one.format(case=case_id, language=language) for one in FIRST[script])) if signed_in else page


@cache
def _imported(*scripts: str) -> tuple[str, ...]:
    """Scripts and all that they import, and so on."""
    found: dict[str, None] = {}
    waiting = list(scripts)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting += _IMPORT.findall(files()[name].data.decode())
    return tuple(found)


def words(language: str) -> dict[str, Any]:
    """The words of the page in a language; what it lacks is in English."""
    base, own = _read("en"), _read(language)
    merged = {section: {**table, **own.get(section, {})} for section, table in base.items()}
    lists = {"questions": QUESTIONS, "purposes": PURPOSES}
    shared = {name: dict(headings_in(language).tables[name]) for name in SHARED}
    units = dict(sentences_in(language).tables["units"])
    return {**merged, **shared, "units": units, "lists": lists}


def _read(language: str) -> dict[str, dict[str, str]]:
    text = resources.files("faceagent.serve.desk").joinpath(f"words/{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
