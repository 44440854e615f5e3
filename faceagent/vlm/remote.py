"""Any OpenAI-compatible endpoint as a backend: vLLM first.

Pictures are sent as ``data:`` URLs and nothing else, so that no server fetches anything for us. A schema goes out as a
strict ``response_format`` and every answer is validated here all the same, with one request to repair what is wrong.
A LoRA is asked for by its name in place of the model's, which is vLLM's way.
"""

import base64
import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from faceagent.errors import ModelUnavailable, VlmAnswerInvalid
from faceagent.prompts import prompt
from faceagent.vlm import dialogue
from faceagent.vlm.answers import parsed
from faceagent.vlm.protocol import Answer, GenerationRequest, Message
from faceagent.vlm.responses import Chunk, Completion, Model, Models, read
from faceagent.vlm.wire import HttpClient

TOP = 20
"""Likeliest first tokens that an answer reports; no endpoint gives more."""
REPEATED = 2000
"""Characters of a faulty answer that the model is shown again."""


class OpenAIBackend:
    """One endpoint's model.

    Args:
        wire: the connection; this object closes it.
        model: its name; None takes the first that the endpoint lists and that is no adapter.
        name: what reports call this backend.
    """

    def __init__(self, wire: HttpClient, model: str | None = None, name: str = "openai") -> None:
        self.name = name
        self._wire, self._model = wire, model
        self._known: tuple[Model, ...] | None = None

    def ask(self, ask: GenerationRequest) -> Answer:
        """See ``Backend.ask``."""
        started = time.perf_counter()
        base, reply = self._base(), self._reply(ask)
        tokens, value = reply.tokens, None
        if ask.format is not None:
            try:
                value = parsed(reply.text, ask.format, whole=reply.finish == "stop")
            except VlmAnswerInvalid as fault:
                reply = self._reply(_repair(ask, reply.text, fault))
                tokens += reply.tokens
                value = parsed(reply.text, ask.format, whole=reply.finish == "stop")
        return Answer(
            text=reply.text,
            parsed=value,
            first=reply.first,
            tokens=tokens,
            seconds=time.perf_counter() - started,
            finish=reply.finish,
            model=base,
            adapter=ask.adapter,
        )

    def stream(self, ask: GenerationRequest) -> Iterator[str]:
        """See ``Backend.stream``. With a format, what was streamed is validated at its end."""
        said, finish = "", None
        for event in self._wire.events("chat/completions", {**self._body(ask), "stream": True}):
            choices = read(Chunk, event).choices
            if not choices:
                continue
            if piece := choices[0].delta.content:
                said += piece
                yield piece
            finish = choices[0].finish_reason or finish
        if finish is None:
            raise ModelUnavailable("The endpoint's answer broke off in the middle.")
        if ask.format is not None:
            parsed(said, ask.format, whole=finish == "stop")

    def score(self, ask: GenerationRequest, choices: tuple[str, ...]) -> Mapping[str, float]:
        """See ``Backend.score``.

        vLLM tells the probability of every token of a prompt, so each choice is sent as the answer that was given.
        Other endpoints tell the first token's alternatives only, and choices have to differ in it.
        """
        if any(model.owned_by == "vllm" for model in self._models()):
            logs = _logs([self._given(ask, choice) for choice in choices])
        else:
            logs = _first_logs(self._reply(ask.model_copy(update={"max_tokens": 1, "format": None})).first, choices)
        top = max(logs)
        parts = [math.exp(value - top) for value in logs]
        return {choice: part / sum(parts) for choice, part in zip(choices, parts, strict=True)}

    def adapters(self) -> frozenset[str]:
        """See ``Backend.adapters``."""
        return frozenset(model.id for model in self._models() if model.parent)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _reply(self, ask: GenerationRequest) -> "_Reply":
        body = self._body(ask)
        if ask.format is None:
            # Under a schema vLLM tells the probabilities after it has ruled tokens out, which nobody asks for.
            body |= {"logprobs": True, "top_logprobs": TOP}
        whole = read(Completion, self._wire.json("POST", "chat/completions", body))
        told = whole.choices[0]
        if told.message.content is None:
            raise VlmAnswerInvalid("The model answered nothing.", remedy=told.message.refusal)
        tops = told.logprobs.content[0].top_logprobs if told.logprobs and told.logprobs.content else []
        return _Reply(
            text=told.message.content,
            finish="length" if told.finish_reason == "length" else "stop",
            first={one.token: one.logprob for one in tops},
            tokens=whole.usage.completion_tokens if whole.usage else 0,
        )

    def _given(self, ask: GenerationRequest, choice: str) -> "list[_Token]":
        """The prompt with ``choice`` as its answer: every token with its probability."""
        spoken = {"role": "assistant", "content": _plain(choice)}
        body = self._body(ask.model_copy(update={"format": None, "max_tokens": 1}))
        messages = [*body["messages"], spoken]
        body |= {"messages": messages, "add_generation_prompt": False, "prompt_logprobs": 0}
        told = read(Completion, self._wire.json("POST", "chat/completions", body)).prompt_logprobs
        if not told:
            raise ModelUnavailable("The endpoint tells no probabilities of a prompt, though it says it is vLLM.")
        rows = [next(iter(row.items())) for row in told if row]
        return [_Token(key, value.logprob, value.decoded_token or "") for key, value in rows]

    def _body(self, ask: GenerationRequest) -> dict[str, Any]:
        messages: list[dict[str, Any]] = []
        if ask.system:
            messages.append({"role": "system", "content": _plain(ask.system)})
        messages += [{"role": turn.role, "content": _content(turn)} for turn in ask.turns]
        body = {
            "model": ask.adapter or self._base(),
            "messages": messages,
            "max_tokens": ask.max_tokens,
            "temperature": 0.0,
            "seed": 0,
        }
        if ask.format is not None:
            form = {"name": "answer", "strict": True, "schema": ask.format}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        return body

    def _base(self) -> str:
        if self._model is not None:
            return self._model
        for model in self._models():
            if not model.parent:
                return model.id
        raise ModelUnavailable(f"{self._wire.endpoint} serves no model.", remedy="Set FACEAGENT_VLM_MODEL.")

    def _models(self) -> "tuple[Model, ...]":
        """What the endpoint lists; asked once."""
        if self._known is None:
            self._known = read(Models, self._wire.json("GET", "models")).data
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
        return _plain(turn.text)
    shown = [{"type": "image_url", "image_url": {"url": _data_url(image)}} for image in turn.images]
    return [*shown, {"type": "text", "text": _plain(turn.text)}]


def _data_url(image: bytes) -> str:
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"


def _plain(text: str) -> str:
    """Text in which no server's chat template finds one of its marks: nobody may speak for another role."""
    return re.sub(r"<(?=\|)", "< ", dialogue.plain(text))


def _repair(ask: GenerationRequest, said: str, fault: VlmAnswerInvalid) -> GenerationRequest:
    """The conversation again, with the faulty answer and what is wrong with it."""
    words = prompt("any/repair").render({"fault": fault.message}).strip()
    more = (Message(role="assistant", text=said[:REPEATED]), Message(text=words))
    return ask.model_copy(update={"turns": (*ask.turns, *more)})


def _logs(rows: "Sequence[Sequence[_Token]]") -> list[float]:
    """Log-probability of each choice from the prompts that hold them.

    What all prompts begin with says nothing about the choice. What follows the end mark (in ChatML a line break) is
    the template's, not the model's.
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
    """Log of the probability that the answer starts like one choice and no other; from the likeliest first tokens."""
    masses = dict.fromkeys(choices, 0.0)
    for token, log in first.items():
        fits = [choice for choice in choices if token.strip() and choice.startswith(token.strip())]
        if len(fits) == 1:
            masses[fits[0]] += math.exp(log)
    if not any(masses.values()):
        raise VlmAnswerInvalid(
            "None of the likeliest first tokens begins just one of the choices.",
            remedy="Serve the model with vLLM, which tells the probability of whole answers.",
        )
    return [math.log(mass) if mass else -math.inf for mass in masses.values()]
