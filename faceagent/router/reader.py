"""Reads a turn with a small model: what kind of turn it is, which questions, refused topics and purpose it names.

A sentence vector of multilingual-e5-small goes through small networks of our own (``weights/reader.safetensors``,
described in ``weights/README.md``). The model sees one turn and no conversation, and gives probabilities only;
``arbitration`` decides what becomes of them. It is deterministic on one machine.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceagent.errors import FaceagentError
from faceagent.router.grammar import grammar
from faceagent.router.normalize import normalize
from faceagent.router.pieces import MIN_PIECE, Piece, size, split_long, split_sentences
from faceagent.router.plan import FOLLOW_UPS, FaceReference
from faceagent.router.questions import find_questions
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
REQUEST, JOINED = 0.7, 0.5
"""Probability from which a piece counts as a request beside the one that decides, and a question as named in it: of
another question, and of a piece that the deciding one is joined with."""
ASKS = 0.3
"""What a question mark adds to the probability that a piece decides."""

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

    def read(self, text: str, *, follows: bool = False) -> Reading:
        """The reading of a turn; of a long one, of the pieces in which something is asked.

        ``follows``: there was a turn before, which a long one may be about.
        """
        pieces = split_long(text)
        if len(pieces) < 2:
            return self._read_short(text)
        readings = [self._heads.read(self.encoder.encode(piece.text)) for piece in pieces]
        found = focus(pieces, readings, follows=follows)
        # Why somebody asks is told by the story, of which the encoder takes the start, as well as by its pieces.
        whole = self._heads.read(self.encoder.encode(text)).purpose
        return found.model_copy(
            update={"purpose": {name: (share + whole[name]) / 2 for name, share in found.purpose.items()}}
        )

    def _read_short(self, text: str) -> Reading:
        """The reading of a short turn; where it asks several questions, each of them counts as much as the whole."""
        found = self._heads.read(self.encoder.encode(text)).model_copy(update={"focus": text})
        asked = [one for one in split_sentences(text) if _ends_as_question(one) and size(one) >= MIN_PIECE]
        if len(asked) < 2:
            return found
        each = [found, *(self._heads.read(self.encoder.encode(sentence)) for sentence in asked)]
        return found.model_copy(
            update={
                "questions": _likeliest([one.questions for one in each]),
                "facts": _likeliest([one.facts for one in each]),
            }
        )


def focus(pieces: Sequence[Piece], readings: Sequence[Reading], *, follows: bool = False) -> Reading:
    """The reading of a long turn from those of its pieces.

    The piece that is likeliest to be a request with something in it decides. Other questions stay in ``focus``, and so
    do requests that it is joined with by "and"; a refused topic counts in each of them.
    """
    request = [1.0 - one.kind[NO_REQUEST] for one in readings]
    named = [_named(one, follows=follows) for one in readings]
    asks = [ASKS * piece.asks - _declines(piece.text) for piece in pieces]
    weight = [share + content + more for share, content, more in zip(request, named, asks, strict=True)]
    best = max(range(len(pieces)), key=lambda place: (weight[place], place))
    asking = [min(share, content) for share, content in zip(request, named, strict=True)]
    kept = _joined(pieces, asking, best)
    kept |= {place for place, piece in enumerate(pieces) if _ends_as_question(piece.text) and asking[place] >= REQUEST}
    # Who is meant may be said in any piece: "that's Tom, on the far right".
    details = {name: max(one.details[name] for one in readings) for name in readings[best].details}
    # "Every newcomer sends a selfie" tells a story; everybody in the picture is meant near to what is asked.
    near = readings[max(best - 1, 0) : best + 1]
    details |= {name: max(one.details[name] for one in near) for name in ("every",) if name in details}
    # So may the purpose be, and in more than one: "I moderate a forum. … The account was reported."
    purpose = {name: 1.0 - prod(1.0 - one.purpose[name] for one in readings) for name in readings[best].purpose}
    asked = [readings[place] for place in sorted(kept)]
    return readings[best].model_copy(
        update={
            "topics": _likeliest([one.topics for one in asked]),
            "questions": _likeliest([one.questions for one in asked]),
            "facts": _likeliest([one.facts for one in asked]),
            "details": details,
            "purpose": purpose,
            "focus": " ".join(pieces[place].text for place in sorted(kept)),
            "deciding": pieces[best].text,
        }
    )


def _declines(text: str) -> bool:
    """Whether a piece only says what is not asked: "I don't care how old he is"."""
    return find_questions(normalize(text, grammar().simplified).text, grammar(), has_reference=False).rest


def _ends_as_question(text: str) -> bool:
    return text.endswith(("?", "？"))


def _named(reading: Reading, *, follows: bool) -> float:
    """How likely a piece names something that can be asked; a wish about an answer counts where one was given."""
    refused = min(reading.kind.get("refused", 0.0), max(reading.topics.values(), default=0.0))
    found = [*reading.questions.values(), refused, reading.kind.get("everything", 0.0)]
    if follows:
        found += [share for kind, share in reading.kind.items() if kind in FOLLOW_UPS]
    return max(found)


def _joined(pieces: Sequence[Piece], asking: Sequence[float], best: int) -> set[int]:
    """The deciding piece, and those before and after that ask as well and are joined with it by words such as "and"."""
    first, last = best, best
    while pieces[first].joined and first > 0 and asking[first - 1] >= JOINED:
        first -= 1
    while last + 1 < len(pieces) and pieces[last + 1].joined and asking[last + 1] >= JOINED:
        last += 1
    return set(range(first, last + 1))


def _likeliest(found: Sequence[Probabilities]) -> Probabilities:
    return {name: max(one[name] for one in found) for name in found[0]}


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
