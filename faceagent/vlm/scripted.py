"""A backend with scripted answers, for tests of everything that uses a model. It loads and contacts nothing."""

from collections.abc import Callable, Iterator, Mapping

from faceagent.errors import FaceagentError
from faceagent.vlm.answers import parse_answer
from faceagent.vlm.protocol import Answer, GenerationRequest

Script = Callable[[GenerationRequest], str]
"""The text of the answer; may raise ModelUnavailable or VlmAnswerInvalid."""


class Scripted:
    """Answers by ``script``: a function of the request, or a list of texts and errors used in order.

    ``asked`` keeps every request. An answer to a request with a format is validated as in every backend.
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

    def ask(self, request: GenerationRequest) -> Answer:
        """See ``Backend.ask``."""
        self.asked.append(request)
        text = self._script(request)
        value = None if request.format is None else parse_answer(text, request.format)
        return Answer(
            text=text,
            parsed=value,
            first=self._first,
            tokens=len(text.split()),
            seconds=0.0,
            finish="stop",
            model="scripted",
            adapter=request.adapter,
        )

    def stream(self, request: GenerationRequest) -> Iterator[str]:
        """See ``Backend.stream``: word by word."""
        answer = self.ask(request)
        for place, word in enumerate(answer.text.split(" ")):
            yield word if place == 0 else f" {word}"

    def score(self, request: GenerationRequest, choices: tuple[str, ...]) -> Mapping[str, float]:
        """See ``Backend.score``: 1 for the choice that the script answers, else 0."""
        answer = self.ask(request).text
        return {choice: float(choice == answer) for choice in choices}

    def adapters(self) -> frozenset[str]:
        """See ``Backend.adapters``."""
        return self._adapters

    def close(self) -> None:
        """Nothing to free."""


def _in_order(answers: list[str | FaceagentError]) -> Script:
    waiting = iter(answers)

    def script(request: GenerationRequest) -> str:
        del request
        one = next(waiting)
        if isinstance(one, FaceagentError):
            raise one
        return one

    return script
