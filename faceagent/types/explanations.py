"""How evidence leads to a verdict, and the direct answer in plain words."""

from pydantic import Field

from faceagent.types.base import FrozenModel
from faceagent.types.vocabulary import Answer, Question, Style


class Step(FrozenModel):
    """One sentence of an explanation and the evidence it rests on."""

    section: str
    text: str
    cites: tuple[str, ...]


class Explanation(FrozenModel):
    """How the evidence leads to the verdict, in sections, for one question about one subject."""

    question: Question
    subject: str
    steps: tuple[Step, ...]
    author: str = Field(description='"ledger" for the deterministic writer, else backend and model')
    adapter: str | None = None
    prompt: str = Field(description="id@version of the prompt or template")
    prompt_sha256: str
    struck: tuple[str, ...] = Field(default=(), description="claims that the check removed, with the reason")
    fallback: str | None = Field(default=None, description="why the ledger wrote this, where a model was asked first")


class Finding(FrozenModel):
    """The answer to one question about one subject, as a summary gives it."""

    question: Question
    subject: str = Field(description="id of the face or picture")
    answer: Answer
    verdict: str = Field(description="id of the verdict behind it")
    text: str = Field(description="the answer as one sentence")
    reason: str | None = Field(default=None, description="the strongest reason for it; null where the answer says it")


def _joined(language: str, *sentences: str) -> str:
    """Sentences and their lines as one paragraph; Chinese has no space between them."""
    return ("" if language == "zh" else " ").join(line for text in sentences for line in text.splitlines())


class Summary(FrozenModel):
    """The direct answer in plain words, from verdicts and evidence by rules: what, why, how sure, what next.

    ``answer`` is always there; the other texts are left out where there is nothing to say, and in the short style.
    Where several questions were asked, ``reason``, ``trust`` and ``next_step`` have a line for each that names it.
    """

    language: str = Field(description="code of the language it is written in: en, es, zh")
    style: Style
    answer: str = Field(
        description="what was asked, answered: yes, no, leans, cannot tell; where it leaves something to the tables, "
        "a second line says so"
    )
    reason: str | None = Field(
        default=None, description="the strongest reason and where in the face it is; of what is open, why it is"
    )
    trust: str | None = Field(default=None, description="how sure it is: how often such a test is right")
    next_step: str | None = Field(default=None, description="what to do next")
    findings: tuple[Finding, ...] = Field(default=(), description="one per verdict, the most important one first")
    cites: tuple[str, ...] = Field(default=(), description="ids of the verdicts and the evidence that it rests on")

    @property
    def sentences(self) -> tuple[str, ...]:
        """The texts that there are, in order."""
        return tuple(text for text in (self.answer, self.reason, self.trust, self.next_step) if text)

    @property
    def line(self) -> str:
        """The answer, with the reason where the answer is that nothing can be told."""
        is_open = {one.answer for one in self.findings} == {"cannot_tell"}
        return _joined(self.language, self.answer, *([self.reason] if is_open and self.reason else []))

    @property
    def text(self) -> str:
        """All sentences as one paragraph; Chinese has no space between sentences."""
        return _joined(self.language, *self.sentences)
