"""A model whose answers are counted: whether each satisfied its schema, its tokens and its seconds."""

from collections.abc import Iterator, Mapping

from faceagent.errors import VlmAnswerInvalid
from faceagent.vlm.answers import parse_answer
from faceagent.vlm.protocol import Answer, Backend, GenerationRequest


class RecordingBackend:
    """Passes every request on to ``backend`` and keeps what came of the structured ones."""

    def __init__(self, backend: Backend) -> None:
        self.name, self._backend = backend.name, backend
        self.valid: list[bool] = []
        self.spent: list[tuple[int, float]] = []

    def ask(self, ask: GenerationRequest) -> Answer:
        """See ``Backend.ask``."""
        try:
            answer = self._backend.ask(ask)
            parse_answer(answer.text, ask.format or {}, whole=answer.finish == "stop")
        except VlmAnswerInvalid:
            self.valid.append(False)
            raise
        self.valid.append(True)
        self.spent.append((answer.tokens, answer.seconds))
        return answer

    def stream(self, ask: GenerationRequest) -> Iterator[str]:
        """See ``Backend.stream``."""
        return self._backend.stream(ask)

    def score(self, ask: GenerationRequest, choices: tuple[str, ...]) -> Mapping[str, float]:
        """See ``Backend.score``."""
        return self._backend.score(ask, choices)

    def adapters(self) -> frozenset[str]:
        """See ``Backend.adapters``."""
        return self._backend.adapters()

    def close(self) -> None:
        """See ``Backend.close``."""
        self._backend.close()
