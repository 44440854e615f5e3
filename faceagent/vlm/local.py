"""The embedded model in this process: transformers, float32, greedy; adapters are switched by name.

A JSON schema is enforced while the answer is written (llguidance): tokens that cannot lead to a valid document are
never chosen, and tokens that must come are not computed one by one.
"""

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from faceagent.encoder.quiet import quiet_bars, quiet_import
from faceagent.encoder.torchvision_ops import declare_missing_operators
from faceagent.errors import ModelUnavailable, VlmAnswerInvalid
from faceagent.settings import Settings
from faceagent.vlm import dialogue
from faceagent.vlm.assemble import adapters, model_folder
from faceagent.vlm.protocol import Answer, GenerationRequest

TOP = 20
"""Likeliest first tokens that an answer reports."""
SUFFIX, GUESSED = 4, 6
"""Last tokens that a guess is looked up by, at most, and tokens guessed: as many again cost little on a processor."""


class TransformersBackend:
    """One model, loaded on first use and asked by one thread at a time."""

    def __init__(self, folder: Path, adapters: Mapping[str, Path], threads: int = 1) -> None:
        self.name = "transformers"
        self._folder, self._adapters, self._threads = folder, dict(adapters), threads
        self._guard = threading.Lock()
        self._model: Any = None
        self._tokenizer: Any = None
        self._grammar: Any = None

    def ask(self, ask: GenerationRequest) -> Answer:
        """See ``Backend.ask``."""
        started = time.perf_counter()
        with self._guard:
            run = self._run(ask)
            first = next(run)
            pieces = list(run)
        text = self._tokenizer.decode([token for token in pieces if token >= 0], skip_special_tokens=True)
        finish = "stop" if pieces and pieces[-1] == self._end else "length"
        return Answer(
            text=text,
            parsed=None if ask.format is None else _parsed(text, finish),
            first=first,
            tokens=len(pieces),
            seconds=time.perf_counter() - started,
            finish=finish,  # type: ignore[arg-type]
            model=self._folder.name,
            adapter=ask.adapter,
        )

    def stream(self, ask: GenerationRequest) -> Iterator[str]:
        """See ``Backend.stream``. The model is held until the stream ends or is closed."""
        with self._guard:
            run = self._run(ask)
            next(run)
            said: list[int] = []
            shown = ""
            for token in run:
                said.append(token)
                text = self._tokenizer.decode(said, skip_special_tokens=True)
                # Half of a multi-byte character decodes to a replacement mark: wait for the rest.
                if text != shown and not text.endswith("\ufffd"):
                    yield text[len(shown) :]
                    shown = text

    def score(self, ask: GenerationRequest, choices: tuple[str, ...]) -> Mapping[str, float]:
        """See ``Backend.score``: product of the probabilities of each choice's tokens and the end mark."""
        import torch

        with self._guard, self._speaking(ask.adapter), torch.inference_mode():
            logits, cache = self._read(ask)
            first = torch.log_softmax(logits.double(), dim=-1)
            sums = []
            for choice in choices:
                ids = self._ids(dialogue.plain(choice)) + [self._end]
                total = float(first[ids[0]])
                output = self._model(input_ids=torch.tensor([ids[:-1]]), past_key_values=cache, use_cache=True)
                rows = torch.log_softmax(output.logits[0].double(), dim=-1)
                total += sum(float(row[token]) for row, token in zip(rows, ids[1:], strict=True))
                cache.crop(1 - len(ids))
                sums.append(total)
            shares = torch.softmax(torch.tensor(sums), dim=0)
        return {choice: float(share) for choice, share in zip(choices, shares, strict=True)}

    def adapters(self) -> frozenset[str]:
        """See ``Backend.adapters``."""
        return frozenset(self._adapters)

    def close(self) -> None:
        """Forget the model; the next ask loads it again."""
        with self._guard:
            self._model = self._tokenizer = self._grammar = None

    def _run(self, ask: GenerationRequest) -> Iterator[Any]:
        """First the likeliest first tokens, then one token id after the other, the end mark included."""
        import torch

        with self._speaking(ask.adapter), torch.inference_mode():
            logits, cache = self._read(ask)
            rows = torch.log_softmax(logits.double(), dim=-1).topk(TOP)
            yield {
                self._tokenizer.decode([token]): float(value)
                for value, token in zip(rows.values, rows.indices, strict=True)
            }
            rule, said = self._rule(ask.format), self._ids(ask.turns[-1].text)
            left = ask.max_tokens
            tokens: Sequence[int] = ()
            guess: Sequence[int] = ()
            pending = logits.unsqueeze(0)
            while True:
                # The row after ``tokens`` and as much of the guess as the model and the rule agree to.
                kept, place = 0, max(0, len(tokens) - 1)
                while True:
                    chosen = rule.next(pending[place]) if rule else [int(pending[place].argmax())]
                    yield from chosen[:left]
                    left -= len(chosen)
                    if left <= 0 or chosen[-1] == self._end:
                        return
                    said += chosen
                    same = _agreeing(chosen, guess[kept:])
                    kept, place = kept + same, place + same
                    if same < len(chosen):
                        break
                if len(guess) > kept:
                    cache.crop(kept - len(guess))
                tokens = chosen[same:]
                guess = foreseen(said)
                pending = self._model(
                    input_ids=torch.tensor([[*tokens, *guess]]), past_key_values=cache, use_cache=True
                ).logits[0]

    def _read(self, ask: GenerationRequest) -> tuple[Any, Any]:
        """Logits after the prompt, and the cache that holds it."""
        import torch

        text = dialogue.message("system", ask.system) if ask.system else ""
        for turn in ask.turns:
            text += dialogue.message(turn.role, turn.text, len(turn.images))
        ids = self._ids(text + dialogue.opening())
        shown = [dialogue.read_picture(data) for turn in ask.turns for data in turn.images]
        given = {"pixel_values": dialogue.pixel_values(shown)} if shown else {}
        output = self._model(input_ids=torch.tensor([ids]), use_cache=True, logits_to_keep=1, **given)
        return output.logits[0, -1], output.past_key_values

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    @property
    def _end(self) -> int:
        return int(self._tokenizer.convert_tokens_to_ids(dialogue.END))

    def _rule(self, schema: Mapping[str, Any] | None) -> "_Rule | None":
        if schema is None:
            return None
        if self._grammar is None:
            from llguidance.hf import from_tokenizer

            self._grammar = from_tokenizer(self._tokenizer, n_vocab=self._model.config.text_config.vocab_size)
        return _Rule(self._grammar, schema, self._end)

    def _speaking(self, adapter: str | None) -> AbstractContextManager[Any]:
        """The model with this adapter on and every other one off."""
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

        torch.set_num_threads(self._threads)
        with quiet_bars():
            tokenizer = AutoTokenizer.from_pretrained(str(self._folder))
            model: Any = InternVLForConditionalGeneration.from_pretrained(str(self._folder), dtype=torch.float32)
            for number, (name, path) in enumerate(self._adapters.items()):
                if number == 0:
                    model = PeftModel.from_pretrained(model, str(path), adapter_name=name)
                else:
                    model.load_adapter(str(path), adapter_name=name)
        self._tokenizer, self._model = tokenizer, model.eval()


def foreseen(said: Sequence[int]) -> Sequence[int]:
    """How the text may go on: as it did after the same last tokens before, else () (prompt lookup decoding).

    An answer repeats its prompt and its own form; a guess that the model does not agree to changes nothing.
    """
    for size in range(SUFFIX, 0, -1):
        end = list(said[-size:])
        for place in range(len(said) - size - 1, -1, -1):
            if list(said[place : place + size]) == end:
                return list(said[place + size : place + size + GUESSED])
    return ()


def _agreeing(chosen: Sequence[int], guess: Sequence[int]) -> int:
    """How many first tokens of ``chosen`` are the guess's."""
    pairs = zip(chosen, guess, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(chosen), len(guess)))


class _Rule:
    """What may come next under a schema."""

    def __init__(self, grammar: Any, schema: Mapping[str, Any], end: int) -> None:
        from llguidance import LLMatcher

        # No free white space: a weak model would write it for ever.
        tight = {**schema, "x-guidance": {"whitespace_flexible": False}}
        self._matcher = LLMatcher(grammar, LLMatcher.grammar_from_json_schema(json.dumps(tight)))
        self._end = end
        if self._matcher.is_error():
            raise VlmAnswerInvalid(f"The schema of the answer cannot be enforced: {self._matcher.get_error()}.")

    def next(self, logits: Any) -> Sequence[int]:
        """The likeliest allowed token and whatever must follow it."""
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


def _parsed(text: str, finish: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        words = "was cut off" if finish == "length" else "is no JSON"
        raise VlmAnswerInvalid(f"The model's answer {words}.", remedy="Allow more tokens.") from error


def local(settings: Settings) -> TransformersBackend:
    """The embedded model with the adapters that ship. Raises ModelUnavailable when a part cannot be had."""
    return TransformersBackend(model_folder(settings), adapters(), settings.threads)
