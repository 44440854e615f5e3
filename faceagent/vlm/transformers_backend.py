"""The embedded model in this process: transformers, float32, greedy; adapters are switched by name.

A JSON schema is enforced during generation (llguidance): tokens that cannot lead to a valid document are masked, and
tokens that the schema forces are not computed one by one.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Literal

from faceagent.encoder.quiet import quiet_bars, quiet_import
from faceagent.encoder.torch_state import computing, loading, neutral
from faceagent.encoder.torchvision_ops import declare_missing_operators
from faceagent.errors import ModelUnavailable, VlmAnswerInvalid
from faceagent.forks import unforked
from faceagent.per_process import ProcessLock
from faceagent.settings import Settings
from faceagent.vlm import chat_template
from faceagent.vlm.answers import parse_answer
from faceagent.vlm.embedded_model import adapters, model_folder
from faceagent.vlm.protocol import Answer, GenerationRequest

TOP = 20
"""Likeliest first tokens that an answer reports."""
SUFFIX, GUESSED = 4, 6
"""Most last tokens by which a guess is looked up, and tokens guessed: verifying so many costs little on a processor."""


class TransformersBackend:
    """One model, loaded on first use and used by one thread at a time."""

    def __init__(self, folder: Path, adapters: Mapping[str, Path], threads: int = 1) -> None:
        self.name = "transformers"
        self._folder, self._adapters, self._threads = folder, dict(adapters), threads
        self._guard = ProcessLock()
        self._model: Any = None
        self._tokenizer: Any = None
        self._grammar: Any = None

    def ask(self, request: GenerationRequest) -> Answer:
        """See ``Backend.ask``."""
        started = time.perf_counter()
        with self._guard:
            run = self._run(request)
            first = next(run)
            pieces = list(run)
        text = self._tokenizer.decode([token for token in pieces if token >= 0], skip_special_tokens=True)
        finish: Literal["stop", "length"] = "stop" if pieces and pieces[-1] == self._end else "length"
        return Answer(
            text=text,
            parsed=None if request.format is None else parse_answer(text, request.format, whole=finish == "stop"),
            first=first,
            tokens=len(pieces),
            seconds=time.perf_counter() - started,
            finish=finish,
            model=self._folder.name,
            adapter=request.adapter,
        )

    def stream(self, request: GenerationRequest) -> Iterator[str]:
        """See ``Backend.stream``. The model is held until the stream ends or is closed."""
        with self._guard:
            run = self._run(request)
            next(run)
            tokens: list[int] = []
            sent = ""
            for token in run:
                tokens.append(token)
                text = self._tokenizer.decode(tokens, skip_special_tokens=True)
                # An incomplete multi-byte character decodes to a replacement character: wait for the rest.
                if text != sent and not text.endswith("\ufffd"):
                    yield text[len(sent) :]
                    sent = text

    def score(self, request: GenerationRequest, choices: tuple[str, ...]) -> Mapping[str, float]:
        """See ``Backend.score``: product of the probabilities of each choice's tokens and the end token."""
        import torch

        with self._guard, self._with_adapter(request.adapter), computing(self._threads):
            logits, cache = self._read(request)
            first = torch.log_softmax(logits.double(), dim=-1)
            sums = []
            for choice in choices:
                ids = self._ids(chat_template.escape_special_tokens(choice)) + [self._end]
                total = float(first[ids[0]])
                output = self._model(input_ids=torch.tensor([ids[:-1]]), past_key_values=cache, use_cache=True)
                rows = torch.log_softmax(output.logits[0].double(), dim=-1)
                total += sum(float(row[token]) for row, token in zip(rows, ids[1:], strict=True))
                cache.crop(1 - len(ids))
                sums.append(total)
            shares = torch.softmax(torch.tensor(sums, dtype=torch.float64), dim=0)
        return {choice: float(share) for choice, share in zip(choices, shares, strict=True)}

    def adapters(self) -> frozenset[str]:
        """See ``Backend.adapters``."""
        return frozenset(self._adapters)

    def close(self) -> None:
        """Free the model; the next request loads it again."""
        with self._guard:
            self._model = self._tokenizer = self._grammar = None

    def _run(self, request: GenerationRequest) -> Iterator[Any]:
        """First the likeliest first tokens, then one token id after the other, the end token included."""
        import torch

        with self._with_adapter(request.adapter), neutral(self._threads):
            logits, cache = self._read(request)
            rows = torch.log_softmax(logits.double(), dim=-1).topk(TOP)
            yield {
                self._tokenizer.decode([token]): float(value)
                for value, token in zip(rows.values, rows.indices, strict=True)
            }
            constraint, context = self._constraint(request.format), self._ids(request.turns[-1].text)
            left = request.max_tokens
            tokens: Sequence[int] = ()
            guess: Sequence[int] = ()
            pending = logits.unsqueeze(0)
            while True:
                # The row after ``tokens``, and the start of the guess that the model and the constraint confirm.
                kept, place = 0, max(0, len(tokens) - 1)
                while True:
                    chosen = constraint.next(pending[place]) if constraint else [int(pending[place].argmax())]
                    yield from chosen[:left]
                    left -= len(chosen)
                    if left <= 0 or chosen[-1] == self._end:
                        return
                    context += chosen
                    same = _common_prefix(chosen, guess[kept:])
                    kept, place = kept + same, place + same
                    if same < len(chosen):
                        break
                if len(guess) > kept:
                    cache.crop(kept - len(guess))
                tokens = chosen[same:]
                guess = prompt_lookup(context)
                with unforked():
                    pending = self._model(
                        input_ids=torch.tensor([[*tokens, *guess]]), past_key_values=cache, use_cache=True
                    ).logits[0]

    def _read(self, request: GenerationRequest) -> tuple[Any, Any]:
        """Logits after the prompt, and the cache that holds it."""
        import torch

        text = chat_template.format_message("system", request.system) if request.system else ""
        for turn in request.turns:
            text += chat_template.format_message(turn.role, turn.text, len(turn.images))
        ids = self._ids(text + chat_template.generation_prompt())
        images = [chat_template.decode_image(data) for turn in request.turns for data in turn.images]
        inputs = {"pixel_values": chat_template.pixel_values(images)} if images else {}
        with unforked():
            output = self._model(input_ids=torch.tensor([ids]), use_cache=True, logits_to_keep=1, **inputs)
        return output.logits[0, -1], output.past_key_values

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    @property
    def _end(self) -> int:
        return int(self._tokenizer.convert_tokens_to_ids(chat_template.END))

    def _constraint(self, schema: Mapping[str, Any] | None) -> "_SchemaConstraint | None":
        if schema is None:
            return None
        if self._grammar is None:
            from llguidance.hf import from_tokenizer

            self._grammar = from_tokenizer(self._tokenizer, n_vocab=self._model.config.text_config.vocab_size)
        return _SchemaConstraint(self._grammar, schema, self._end)

    def _with_adapter(self, adapter: str | None) -> AbstractContextManager[Any]:
        """Loads the model and activates this adapter; None: no adapter while the context is open."""
        self._load()
        if adapter is None:
            return self._model.disable_adapter() if self._adapters else nullcontext()
        if adapter not in self._adapters:
            names = ", ".join(sorted(self._adapters)) or "none"
            raise ModelUnavailable(f"The model has no adapter called {adapter!r}.", remedy=f"There are: {names}.")
        self._model.set_adapter(adapter)
        return nullcontext()

    def _load(self) -> None:
        if self._model is not None:
            return
        declare_missing_operators()
        import torch

        with quiet_import():
            from peft import PeftModel
        from transformers import AutoTokenizer, InternVLForConditionalGeneration

        with quiet_bars(), loading(self._threads):
            tokenizer = AutoTokenizer.from_pretrained(str(self._folder))
            model: Any = InternVLForConditionalGeneration.from_pretrained(str(self._folder), dtype=torch.float32)
            for number, (name, path) in enumerate(self._adapters.items()):
                if number == 0:
                    model = PeftModel.from_pretrained(model, str(path), adapter_name=name)
                else:
                    model.load_adapter(str(path), adapter_name=name)
        self._tokenizer, self._model = tokenizer, model.eval()


def prompt_lookup(context: Sequence[int]) -> Sequence[int]:
    """A guess of the next tokens: those after an earlier occurrence of the last tokens, else () (prompt lookup).

    An answer repeats parts of its prompt and its own structure; a guess that the model does not confirm is dropped.
    """
    for size in range(SUFFIX, 0, -1):
        end = list(context[-size:])
        for place in range(len(context) - size - 1, -1, -1):
            if list(context[place : place + size]) == end:
                return list(context[place + size : place + size + GUESSED])
    return ()


def _common_prefix(chosen: Sequence[int], guess: Sequence[int]) -> int:
    """Number of leading tokens that both have in common."""
    pairs = zip(chosen, guess, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(chosen), len(guess)))


class _SchemaConstraint:
    """The tokens that a JSON schema allows next."""

    def __init__(self, grammar: Any, schema: Mapping[str, Any], end: int) -> None:
        from llguidance import LLMatcher

        # No free white space: a weak model can generate it without end.
        compact = {**schema, "x-guidance": {"whitespace_flexible": False}}
        self._matcher = LLMatcher(grammar, LLMatcher.grammar_from_json_schema(json.dumps(compact)))
        self._end = end
        if self._matcher.is_error():
            raise VlmAnswerInvalid(f"The schema of the answer cannot be enforced: {self._matcher.get_error()}.")

    def next(self, logits: Any) -> Sequence[int]:
        """The likeliest allowed token and all tokens that the schema then forces."""
        import torch
        from llguidance.numpy import allocate_token_bitmask, apply_token_bitmask_inplace, fill_next_token_bitmask

        mask = allocate_token_bitmask(1, logits.shape[-1])
        fill_next_token_bitmask(self._matcher, mask)
        allowed = logits.clone().unsqueeze(0).numpy()
        apply_token_bitmask_inplace(allowed, mask)
        token = int(torch.from_numpy(allowed)[0].argmax())
        if token == self._end or self._matcher.is_stopped():
            return [self._end]
        self._matcher.consume_token(token)
        forced = self._matcher.compute_ff_tokens()
        self._matcher.consume_tokens(forced)
        done = [self._end] if self._matcher.is_stopped() else []
        return [token, *forced, *done]


def embedded_backend(settings: Settings) -> TransformersBackend:
    """The embedded model with the shipped adapters. Raises ModelUnavailable when a part is unavailable."""
    return TransformersBackend(model_folder(settings), adapters(), settings.threads)
