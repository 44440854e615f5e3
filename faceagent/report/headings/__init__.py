"""The fixed words of the pages per language, from ``<language>.toml``; what a language lacks is in English.

This module knows no verdict. The sentences about verdicts are those of ``explain.summary``.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from faceagent.types import PolicyDecision, Question, Request, Summary

BASE = "en"
Table = Mapping[str, str | list[str]]


@dataclass(frozen=True)
class Headings:
    """The words of one language."""

    language: str
    tables: Mapping[str, Table]

    def say(self, name: str, n: int | None = None, **values: object) -> str:
        """The words of ``[page]`` with their places filled; ``n`` chooses between one and several."""
        found = self.tables["page"][name]
        text = found if isinstance(found, str) else found[n != 1]
        return text.format(n=n, **values)

    def head(self, summary: Summary) -> list[tuple[str, str]]:
        """What stands below the answer, each text with its heading: why, how sure, what next."""
        texts = (("why", summary.reason), ("how_sure", summary.trust), ("what_next", summary.next_step))
        return [(self.say(name), text) for name, text in texts if text]

    def title(self, question: Question) -> str:
        """What a question is called above its answer."""
        return str(self.tables["titles"].get(question, question.replace("_", " ").capitalize()))

    def ends(self, question: Question) -> tuple[str, str] | None:
        """What the left and the right end of the scale of a question stand for; None for one without two sides."""
        left_right = self.tables["ends"].get(question)
        return (left_right[0], left_right[1]) if left_right else None

    def support(self, name: str, **values: object) -> str:
        """The words of ``[support]`` with their places filled."""
        return str(self.tables["support"][name]).format(**values)

    def policy(self, one: PolicyDecision) -> tuple[str, str, str, str]:
        """What policy decided on a question: question, decision, rule, and purpose with jurisdiction."""
        return self.title(one.question), self.word("policy", one.decision), one.rule, self.purpose(one)

    def purpose(self, one: PolicyDecision | Request) -> str:
        """Why something was asked, and under whose rules."""
        return f"{self.word('purposes', one.purpose)}; {self.word('jurisdictions', one.jurisdiction)}"

    def word(self, table: str, name: str) -> str:
        """One word of a table; a name that it lacks, as that of an older version, is given as it is."""
        return str(self.tables[table].get(name, name))

    def document(self, name: str, /, **values: object) -> str:
        """The words of ``[document]``, which only the PDF has, with their places filled."""
        return str(self.tables["document"][name]).format(**values)


@cache
def headings_in(language: str) -> Headings:
    """The words of a language; English where it has none."""
    base, own = _read(BASE), _read(language)
    return Headings(language if own else BASE, {name: {**base[name], **own.get(name, {})} for name in base})


def _read(language: str) -> dict[str, Table]:
    file = resources.files("faceagent.report.headings").joinpath(f"{language}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
