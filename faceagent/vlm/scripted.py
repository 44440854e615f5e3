"""A backend that says what it is told to: for tests of everything that asks a model. It loads and contacts nothing."""

from collections.abc import Callable, Iterator, Mapping

from faceagent.errors import FaceagentError
from faceagent.vlm.answers import parsed
from faceagent.vlm.protocol import Answer, GenerationRequest

Script = Callable[[GenerationRequest], str]
"""The text of the answer; may raise ModelUnavailable or VlmAnswerInvalid."""


class Scripted:
    """Answers by ``script``: a function of the ask, or texts and errors in the order in which they are used up.

    ``asked`` keeps every ask. An answer to an ask with a format is validated as any backend's is.
    """

    def __init__(
        self,
        script: Script | list[str | FaceagentError],
        first: Mapping[str, float] | None = None,
        adapters: tuple[str, ...] = ("expression", "forgery", "identity", "vqa"),
    ) -> None:
        self.name = "scripted"
        self.asked: list[GenerationRequest] = []
        self._script = script if callable(script) else _in_order(script)
        self._first, self._adapters = dict(first or {}), frozenset(adapters)

    def ask(self, ask: GenerationRequest) -> Answer:
        """See ``Backend.ask``."""
        self.asked.append(ask)
        text = self._script(ask)
        value = None if ask.format is None else parsed(text, ask.format)
        return Answer(
            text=text, parsed=value, first=self._first, tokens=len(text.split()), seconds=0.0, finish="stop",
            model="scripted", adapter=ask.adapter,
        )  # fmt: skip

    def stream(self, ask: GenerationRequest) -> Iterator[str]:
        """See ``Backend.stream``: word by word."""
        answer = self.ask(ask)
        for place, word in enumerate(answer.text.split(" ")):
            yield word if place == 0 else f" {word}"

    def score(self, ask: GenerationRequest, choices: tuple[str, ...]) -> Mapping[str, float]:
        """See ``Backend.score``: all of it on the choice that the script answers."""
        answer = self.ask(ask).text
        return {choice: float(choice == answer) for choice in choices}

    def adapters(self) -> frozenset[str]:
        """See ``Backend.adapters``."""
        return self._adapters

    def close(self) -> None:
        """Nothing to let go of."""


def _in_order(said: list[str | FaceagentError]) -> Script:
    waiting = iter(said)

    def script(ask: GenerationRequest) -> str:
        del ask
        one = next(waiting)
        if isinstance(one, FaceagentError):
            raise one
        return one

    return script
