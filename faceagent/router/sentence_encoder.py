"""Sentence vectors of multilingual-e5-small: text → 384 numbers of length 1, in which meanings lie near each other.

The tokenizer is sentencepiece's unigram model (Kudo 2018): of all ways to cut a text into known pieces, the likeliest.
It is written out here because the ``tokenizers`` package needs 270 MB for this vocabulary, this table 45 MB.
"""

import os
import re
import threading
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from faceagent.settings import Settings
from faceagent.weights.e5 import CONTEXT, Vocabulary, read_vocabulary
from faceagent.weights.resolve import locate
from faceagent.weights.sessions import open_session

if TYPE_CHECKING:
    import onnxruntime

SOURCE, GRAPH = "multilingual_e5_small_q4", "multilingual_e5_small_adapted"
PREFIX = "query: "
"""What the encoder was trained with before short texts."""
MAX_TOKENS = 96
"""Tokens of one sentence that are read; the time grows with them."""
UNKNOWN_PENALTY = 10.0
"""How much worse than the rarest piece an unknown character is, in log probability; sentencepiece's own value."""
_NOWHERE = -1e30


class Tokenizer:
    """Cuts a text into the pieces of the vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Takes the vocabulary of the encoder."""
        self._pieces: Mapping[str, int] = {piece: number for number, piece in enumerate(vocabulary.pieces)}
        self._scores: list[float] = vocabulary.scores.tolist()
        self._vocabulary = vocabulary._replace(pieces=())
        self._longest = max(map(len, self._pieces))
        self._unknown_score = min(self._scores) - UNKNOWN_PENALTY

    def tokenize(self, text: str) -> list[int]:
        """Ids of the likeliest pieces, <s> and </s> included; at most ``MAX_TOKENS``. ``PREFIX`` goes first."""
        known = self._vocabulary
        marked = "▁" + re.sub(r"\s+", " ", unicodedata.normalize("NFKC", PREFIX + text)).strip().replace(" ", "▁")
        size = len(marked)
        best, back = [0.0, *[_NOWHERE] * size], [(0, known.unknown)] * (size + 1)
        for start in range(size):
            for end in range(start + 1, min(size, start + self._longest) + 1):
                piece = self._pieces.get(marked[start:end])
                if piece is not None and best[start] + self._scores[piece] > best[end]:
                    best[end], back[end] = best[start] + self._scores[piece], (start, piece)
            if best[start] + self._unknown_score > best[start + 1]:
                best[start + 1], back[start + 1] = best[start] + self._unknown_score, (start, known.unknown)
        ids: list[int] = []
        at = size
        while at > 0:
            at, piece = back[at]
            ids.append(piece)
        return [known.start, *ids[::-1][: min(MAX_TOKENS, CONTEXT) - 2], known.end]


class SentenceEncoder:
    """Encodes one text at a time; safe to share between threads."""

    def __init__(
        self, tokenizer: Tokenizer, session: "onnxruntime.InferenceSession", adapters: Mapping[str, NDArray[np.float32]]
    ) -> None:
        """Takes the tokenizer, the session of the graph and the adapters that it adds, see ``open_encoder``."""
        self._tokenizer, self._session, self._adapters = tokenizer, session, dict(adapters)

    def encode(self, text: str) -> NDArray[np.float32]:
        """The vector of a text, (384,) float32 of length 1."""
        ids = np.array([self._tokenizer.tokenize(text)], np.int64)
        return np.asarray(self._session.run(None, {"ids": ids, **self._adapters})[0][0], np.float32)


_encoders: dict[tuple[str, int], SentenceEncoder] = {}
"""By path and process: a session of onnxruntime does not survive a fork."""
_opening = threading.Lock()


def open_encoder(settings: Settings, adapters: Mapping[str, NDArray[np.float32]]) -> SentenceEncoder:
    """The encoder, loaded once per process. Raises ModelUnavailable or WeightsCorrupt.

    Args:
        settings: where weights are.
        adapters: what the upper layers add, by the names of ``weights.e5``.
    """
    path = locate(SOURCE, settings)
    with _opening:
        key = (str(path), os.getpid())
        if key not in _encoders:
            _encoders[key] = SentenceEncoder(Tokenizer(read_vocabulary(path)), open_session(GRAPH, settings), adapters)
        return _encoders[key]
