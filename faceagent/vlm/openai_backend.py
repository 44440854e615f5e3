"""Any OpenAI-compatible endpoint as a backend: vLLM first.

Pictures are sent as ``data:`` URLs only, so that the server fetches nothing. A schema is sent as a strict
``response_format``; every answer is validated here as well, and an invalid one is corrected with one more request. A
LoRA is selected by its name in place of the model's, as vLLM does it.
"""

import base64
import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from faceagent.errors import ModelUnavailable, VlmAnswerInvalid
from faceagent.prompts import prompt
from faceagent.vlm import chat_template
from faceagent.vlm.answers import parse_answer
from faceagent.vlm.http_client import HttpClient
from faceagent.vlm.protocol import Answer, GenerationRequest, Message
from faceagent.vlm.responses import Chunk, Completion, ListedModel, ModelList, read

TOP = 20
"""Likeliest first tokens in an answer; no endpoint gives more."""
REPEATED = 2000
"""Characters of an invalid answer that are repeated to the model."""


class OpenAIBackend:
    """One endpoint's model.

    Args:
        wire: the connection; this object closes it.
        model: its name; None takes the first model that the endpoint lists and that is not an adapter.
        name: the name of this backend in reports.
    """

    def __init__(self, client: HttpClient, model: str | None = None, name: str = "openai") -> None:
        self.name = name
        self._client, self._model = client, model
        self._known: tuple[ListedModel, ...] | None = None

    def ask(self, request: GenerationRequest) -> Answer:
        """See ``Backend.ask``."""
        started = time.perf_counter()
        base, reply = self._base(), self._reply(request)
        tokens, value = reply.tokens, None
        if request.format is not None:
            try:
                value = parse_answer(reply.text, request.format, whole=reply.finish == "stop")
            except VlmAnswerInvalid as fault:
                reply = self._reply(_repair(request, reply.text, fault))
                tokens += reply.tokens
                value = parse_answer(reply.text, request.format, whole=reply.finish == "stop")
        return Answer(
            text=reply.text,
            parsed=value,
            first=reply.first,
            tokens=tokens,
            seconds=time.perf_counter() - started,
            finish=reply.finish,
            model=base,
            adapter=request.adapter,
        )

    def stream(self, request: GenerationRequest) -> Iterator[str]:
        """See ``Backend.stream``. With a format, the whole text is validated at the end."""
        text, finish = "", None
        for event in self._client.events("chat/completions", {**self._body(request), "stream": True}):
            choices = read(Chunk, event).choices
            if not choices:
                continue
            if piece := choices[0].delta.content:
                text += piece
                yield piece
            finish = choices[0].finish_reason or finish
        if finish is None:
            raise ModelUnavailable("The endpoint's answer broke off in the middle.")
        if request.format is not None:
            parse_answer(text, request.format, whole=finish == "stop")

    def score(self, request: GenerationRequest, choices: tuple[str, ...]) -> Mapping[str, float]:
        """See ``Backend.score``.

        vLLM returns the probability of every token of a prompt, so each choice is sent as an answer already given.
        Other endpoints return only the alternatives of the first token, and the choices have to differ in it.
        """
        if any(model.owned_by == "vllm" for model in self._models()):
            logs = _logs([self._prompt_tokens(request, choice) for choice in choices])
        else:
            logs = _first_logs(self._reply(request.model_copy(update={"max_tokens": 1, "format": None})).first, choices)
        top = max(logs)
        parts = [math.exp(value - top) for value in logs]
        return {choice: part / sum(parts) for choice, part in zip(choices, parts, strict=True)}

    def adapters(self) -> frozenset[str]:
        """See ``Backend.adapters``."""
        return frozenset(model.id for model in self._models() if model.parent)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _reply(self, request: GenerationRequest) -> "_Reply":
        body = self._body(request)
        if request.format is None:
            # Under a schema vLLM returns the probabilities after masking, which are of no use here.
            body |= {"logprobs": True, "top_logprobs": TOP}
        whole = read(Completion, self._client.json("POST", "chat/completions", body))
        choice = whole.choices[0]
        if choice.message.content is None:
            raise VlmAnswerInvalid("The model answered nothing.", remedy=choice.message.refusal)
        tops = choice.logprobs.content[0].top_logprobs if choice.logprobs and choice.logprobs.content else []
        return _Reply(
            text=choice.message.content,
            finish="length" if choice.finish_reason == "length" else "stop",
            first={one.token: one.logprob for one in tops},
            tokens=whole.usage.completion_tokens if whole.usage else 0,
        )

    def _prompt_tokens(self, request: GenerationRequest, choice: str) -> "list[_Token]":
        """The tokens of the prompt with ``choice`` as its answer, with their log-probabilities."""
        answer = {"role": "assistant", "content": _escape(choice)}
        body = self._body(request.model_copy(update={"format": None, "max_tokens": 1}))
        messages = [*body["messages"], answer]
        body |= {"messages": messages, "add_generation_prompt": False, "prompt_logprobs": 0}
        logprobs = read(Completion, self._client.json("POST", "chat/completions", body)).prompt_logprobs
        if not logprobs:
            raise ModelUnavailable("The endpoint returns no probabilities of a prompt, though it calls itself vLLM.")
        rows = [next(iter(row.items())) for row in logprobs if row]
        return [_Token(key, value.logprob, value.decoded_token or "") for key, value in rows]

    def _body(self, request: GenerationRequest) -> dict[str, Any]:
        messages: list[dict[str, Any]] = []
        if request.system:
            messages.append({"role": "system", "content": _escape(request.system)})
        messages += [{"role": turn.role, "content": _content(turn)} for turn in request.turns]
        body = {
            "model": request.adapter or self._base(),
            "messages": messages,
            "max_tokens": request.max_tokens,
            "temperature": 0.0,
            "seed": 0,
        }
        if request.format is not None:
            form = {"name": "answer", "strict": True, "schema": request.format}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        return body

    def _base(self) -> str:
        if self._model is not None:
            return self._model
        for model in self._models():
            if not model.parent:
                return model.id
        raise ModelUnavailable(f"{self._client.endpoint} serves no model.", remedy="Set FACEAGENT_VLM_MODEL.")

    def _models(self) -> tuple[ListedModel, ...]:
        """The models that the endpoint lists; requested once."""
        if self._known is None:
            self._known = read(ModelList, self._client.json("GET", "models")).data
        return self._known


class _Reply(NamedTuple):
    text: str
    finish: Literal["stop", "length"]
    first: Mapping[str, float]
    tokens: int


class _Token(NamedTuple):
    key: str
    log: float
    text: str


def _content(turn: Message) -> str | list[dict[str, Any]]:
    if not turn.images:
        return _escape(turn.text)
    images = [{"type": "image_url", "image_url": {"url": _data_url(image)}} for image in turn.images]
    return [*images, {"type": "text", "text": _escape(turn.text)}]


def _data_url(image: bytes) -> str:
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def _escape(text: str) -> str:
    """``text`` without the special tokens of any chat template, so that no text can start another role's message."""
    return re.sub(r"<(?=\|)", "< ", chat_template.escape_special_tokens(text))


def _repair(request: GenerationRequest, said: str, fault: VlmAnswerInvalid) -> GenerationRequest:
    """The conversation again, with the invalid answer and its fault."""
    words = prompt("any/repair").render({"fault": fault.message}).strip()
    more = (Message(role="assistant", text=said[:REPEATED]), Message(text=words))
    return request.model_copy(update={"turns": (*request.turns, *more)})


def _logs(rows: "Sequence[Sequence[_Token]]") -> list[float]:
    """Log-probability of each choice from the tokens of the prompts that contain it.

    Tokens that all prompts start with are left out, and so are those after the end token (in ChatML a line break),
    which come from the template.
    """
    shared = 0
    for column in zip(*rows, strict=False):
        if len({token.key for token in column}) > 1:
            break
        shared += 1
    sums = []
    for row in rows:
        end = max((place for place, token in enumerate(row) if token.text.strip()), default=0)
        sums.append(sum(token.log for token in row[shared : end + 1]))
    return sums


def _first_logs(first: Mapping[str, float], choices: Sequence[str]) -> list[float]:
    """Log-probability that the answer starts like one choice and no other, from the likeliest first tokens."""
    masses = dict.fromkeys(choices, 0.0)
    for token, log in first.items():
        fits = [choice for choice in choices if token.strip() and choice.startswith(token.strip())]
        if len(fits) == 1:
            masses[fits[0]] += math.exp(log)
    if not any(masses.values()):
        raise VlmAnswerInvalid(
            "None of the likeliest first tokens begins just one of the choices.",
            remedy="Serve the model with vLLM, which returns the probability of whole answers.",
        )
    return [math.log(mass) if mass else -math.inf for mass in masses.values()]
