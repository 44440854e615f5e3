"""Reads a turn with a small model: what kind of turn it is, which questions, refused topics and purpose it names.

A sentence vector of multilingual-e5-small goes through small networks of our own (``weights/reader.safetensors``,
described in ``weights/README.md``). The model sees one turn and no conversation, and gives probabilities only;
``arbitration`` decides what becomes of them. It is deterministic on one machine.
"""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceagent.errors import FaceagentError
from faceagent.router.plan import FaceReference
from faceagent.router.sentence_encoder import SentenceEncoder, open_encoder
from faceagent.settings import Settings
from faceagent.types import QUESTIONS, FrozenModel
from faceagent.weights.checksums import verify_sums

logger = logging.getLogger(__name__)

HEADS_FILE = "reader.safetensors"
HEADS = ("kind", "questions", "topics", "facts", "purpose", "details", "language")
ONE_OF = frozenset({"kind", "purpose", "language"})
"""Heads whose classes exclude each other; the classes of the others are independent."""
UNSEEN = dict.fromkeys(QUESTIONS, 0.3)
"""Probability of a question that the heads were not trained with: it keeps what the rules found and adds nothing."""
SLOTS = ("side", "superlative")
"""Fields of a ``FaceReference`` that are details, beside its words."""
NO_REQUEST = "out_of_scope"
LONG_WORDS, LONG_CHARACTERS = 24, 40
"""A turn with more words, or Chinese characters, is read piece by piece."""
MAX_PIECES = 8
"""Pieces of a long turn that are read, from its end: what is wanted comes last more often than first."""
REQUEST = 0.7
"""Probability from which a piece counts as a request beside the one that decides."""
ASKS = 0.3
"""What a question mark adds to the probability that a piece decides."""
MIN_PIECE = 3
"""Words of a piece; a shorter one belongs to the piece before."""
_SENTENCE = re.compile(r"(?<=[.!?。！？;；\n])\s*")
_CLAUSE = re.compile(r"(?<=[,，:：])\s*")
_HAN = re.compile(r"[㐀-鿿]")

Probabilities = Mapping[str, float]


class Reading(FrozenModel):
    """Probabilities, 0 to 1, of one text. ``kind`` has the kinds of turn, ``follow`` and ``everything`` among them."""

    kind: Mapping[str, float]
    questions: Mapping[str, float]
    topics: Mapping[str, float]
    facts: Mapping[str, float]
    purpose: Mapping[str, float]
    details: Mapping[str, float]
    """Who is meant and how thoroughly, see ``details_of``."""
    language: Mapping[str, float]
    focus: str = ""
    """The part of a long turn that asks for something; the whole of a short one."""
    deciding: str = ""
    """The one piece of a long turn that decides."""

    @property
    def best_kind(self) -> tuple[str, float]:
        """The likeliest kind with its probability."""
        name = max(self.kind, key=lambda one: self.kind[one])
        return name, self.kind[name]


def details_of(faces: Iterable[FaceReference], depth: str = "normal") -> tuple[str, ...]:
    """Names of the details of a plan, as the head ``details`` has them: ``side:left``, ``word:woman``, ``every``."""
    found: dict[str, None] = {}
    for face in faces:
        found |= {f"word:{word}": None for word in face.words}
        found |= {f"{name}:{value}": None for name in SLOTS if (value := getattr(face, name)) is not None}
        found |= {"every": None} if face.every else {}
    if depth != "normal":
        found[f"depth:{depth}"] = None
    return tuple(found)


class Heads:
    """The networks behind the sentence vector, one hidden layer each."""

    def __init__(self, tensors: Mapping[str, NDArray[np.float32]], classes: Mapping[str, Sequence[str]]) -> None:
        """Takes the tensors of ``weights/reader.safetensors`` and the class names of its metadata."""
        self._tensors, self._classes = tensors, classes

    def read(self, vector: NDArray[np.float32]) -> Reading:
        """The probabilities of one text."""
        scaled = vector * np.float32(vector.size**0.5)
        found = {head: self._probabilities(head, scaled) for head in HEADS}
        return Reading.model_validate({**found, "questions": {**UNSEEN, **found["questions"]}})

    def _probabilities(self, head: str, scaled: NDArray[np.float32]) -> Probabilities:
        hidden = np.maximum(scaled @ self._tensors[f"{head}.w1"] + self._tensors[f"{head}.b1"], 0.0)
        logits = hidden @ self._tensors[f"{head}.w2"] + self._tensors[f"{head}.b2"]
        if head in ONE_OF:
            odds = np.exp(logits - logits.max())
            found = odds / odds.sum()
        else:
            found = 1.0 / (1.0 + np.exp(-logits))
        return dict(zip(self._classes[head], found.tolist(), strict=True))


class Reader:
    """Reads texts; safe to share between threads."""

    def __init__(self, encoder: SentenceEncoder, heads: Heads) -> None:
        """Takes the encoder and the networks, see ``open_reader``."""
        self.encoder, self._heads = encoder, heads

    def read(self, text: str) -> Reading:
        """The reading of a turn; of a long one, of the pieces in which something is asked."""
        pieces = split_long(text)
        if len(pieces) < 2:
            return self._heads.read(self.encoder.encode(text)).model_copy(update={"focus": text})
        return focus(pieces, [self._heads.read(self.encoder.encode(piece)) for piece in pieces])


def focus(pieces: Sequence[str], readings: Sequence[Reading]) -> Reading:
    """The reading of a long turn from those of its pieces.

    The piece that most likely is a request decides. Pieces that are likely requests, too, and name a question stay in
    ``focus``, and a refused topic counts in each of them.
    """
    request = [1.0 - one.kind[NO_REQUEST] for one in readings]
    weight = [share + ASKS * ("?" in piece or "？" in piece) for share, piece in zip(request, pieces, strict=True)]
    best = max(range(len(pieces)), key=lambda place: (weight[place], place))
    named = [max(one.questions.values(), default=0.0) for one in readings]
    kept = [
        place
        for place, share in enumerate(request)
        if place == best or (share >= REQUEST and named[place] >= REQUEST and "?" in pieces[place].replace("？", "?"))
    ]
    topics = {name: max(readings[place].topics[name] for place in kept) for name in readings[best].topics}
    # Who is meant may be said in any piece: "that's Tom, on the far right".
    details = {name: max(one.details[name] for one in readings) for name in readings[best].details}
    # So may the purpose be: "I moderate a forum. … Is it edited?"
    purpose = {
        name: (min if name == "unstated" else max)(one.purpose[name] for one in readings)
        for name in readings[best].purpose
    }
    text = " ".join(pieces[place] for place in kept)
    found = {"topics": topics, "details": details, "purpose": purpose, "focus": text, "deciding": pieces[best]}
    return readings[best].model_copy(update=found)


def split_long(text: str) -> list[str]:
    """Sentences of a long text, and clauses of its long sentences; a short text in one piece."""
    if not _is_long(text):
        return [text]
    pieces: list[str] = []
    for sentence in filter(None, (part.strip() for part in _SENTENCE.split(text))):
        for piece in _CLAUSE.split(sentence) if _is_long(sentence) else [sentence]:
            if pieces and _size(piece) < MIN_PIECE:
                pieces[-1] = f"{pieces[-1]} {piece}"
            elif piece:
                pieces.append(piece)
    return pieces[-MAX_PIECES:]


def _is_long(text: str) -> bool:
    return len(text.split()) > LONG_WORDS or len(_HAN.findall(text)) > LONG_CHARACTERS


def _size(piece: str) -> int:
    return max(len(piece.split()), len(_HAN.findall(piece)) // 2)


def heads_path() -> Path:
    """The file of the networks."""
    return Path(str(resources.files("faceagent.router").joinpath("weights", HEADS_FILE)))


@cache
def _load(path: Path) -> tuple[Heads, dict[str, NDArray[np.float32]]]:
    from safetensors import safe_open

    verify_sums(path.parent, [path.name], remedy="Install faceagent again.")
    with safe_open(str(path), framework="numpy") as file:
        classes = {name: names.split() for name, names in (file.metadata() or {}).items() if name in HEADS}
        names = list(file.keys())
        tensors = {name: np.asarray(file.get_tensor(name), np.float32) for name in names}
    adapters = {name: tensors.pop(name) for name in names if name.endswith((".down", ".up"))}
    return Heads(tensors, classes), adapters


_told: set[str] = set()


def open_reader(settings: Settings) -> Reader | None:
    """The reader, loaded once per process; None, said once in the log, where the encoder's weights are not here."""
    try:
        heads, adapters = _load(heads_path())
        return Reader(open_encoder(settings, adapters), heads)
    except FaceagentError as error:
        if error.message not in _told:
            _told.add(error.message)
            logger.warning("Questions are read by rules alone: %s", error.message)
        return None
