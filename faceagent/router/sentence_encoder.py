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

SOURCE, GRAPH = "multilingual_e5_small_q4", "multilingual_e5_small_onnx"
PREFIX = "query: "
"""What the encoder was trained with before short texts."""
MAX_TOKENS = 96
"""Tokens of one sentence that are read; the time grows with them."""
UNKNOWN_PENALTY = 10.0
"""How much worse than the rarest piece an unknown character is, in log probability; sentencepiece's own value."""
_NOWHERE = -1e30


class SentenceEncoder:
    """Encodes one text at a time; safe to share between threads."""

    def __init__(self, vocabulary: Vocabulary, session: "onnxruntime.InferenceSession") -> None:
        """Takes the vocabulary and the session of the graph, see ``open_encoder``."""
        self._pieces: Mapping[str, int] = {piece: number for number, piece in enumerate(vocabulary.pieces)}
        self._scores: list[float] = vocabulary.scores.tolist()
        self._vocabulary = vocabulary._replace(pieces=())
        self._longest = max(map(len, self._pieces))
        self._unknown_score = min(self._scores) - UNKNOWN_PENALTY
        self._session = session

    def encode(self, text: str) -> NDArray[np.float32]:
        """The vector of a text, (384,) float32 of length 1."""
        ids = np.array([self.tokenize(PREFIX + text)], np.int64)
        return np.asarray(self._session.run(None, {"ids": ids})[0][0], np.float32)

    def tokenize(self, text: str) -> list[int]:
        """Ids of the likeliest pieces, <s> and </s> included; at most ``MAX_TOKENS``."""
        known = self._vocabulary
        marked = "▁" + re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip().replace(" ", "▁")
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


_encoders: dict[tuple[str, int], SentenceEncoder] = {}
"""By path and process: a session of onnxruntime does not survive a fork."""
_opening = threading.Lock()


def open_encoder(settings: Settings) -> SentenceEncoder:
    """The encoder, loaded once per process. Raises ModelUnavailable or WeightsCorrupt."""
    path = locate(SOURCE, settings)
    with _opening:
        key = (str(path), os.getpid())
        if key not in _encoders:
            _encoders[key] = SentenceEncoder(read_vocabulary(path), open_session(GRAPH, settings))
        return _encoders[key]
