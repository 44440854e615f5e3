"""Normalizes text for the grammar: lower case, no accents, simplified Chinese, punctuation only where a clause ends.

Linear in the length of the text.
"""

import re
import unicodedata
from collections.abc import Mapping

from faceagent.types import FrozenModel

MAX_CHARACTERS = 4000
"""Characters of one turn that are read; for a longer turn the user is asked to shorten it."""

_EVIDENCE = re.compile(
    r"(?<![a-z0-9_])(?:v:)?(?:[rp]\d{1,3})?f\d{1,3}:[a-z0-9_.:-]*[a-z0-9_]|(?<![a-z0-9_])[rp]\d{1,3}:[a-z0-9_.:-]*[a-z0-9_]"
    r"|(?<![a-z0-9_])v:[a-z0-9_.:-]*[a-z0-9_]|(?<![a-z0-9_])e\d{1,4}(?![a-z0-9_])",
    re.IGNORECASE | re.ASCII,
)
_NUMBER_SIGN = re.compile(r"\bno\. ?(?=\d)|#(?=\d)")
_STOP = re.compile(r"[;!?。！？；\n]|\.(?=\s|$)|(?<=[a-z一-鿿]):(?=\s)|——?|(?<=\s)-(?=\s)")
_PAUSE = re.compile(r"[,，、()（）]")
_APOSTROPHE = re.compile("['’‘`´ʼ]")
_WILL = re.compile(f"{_APOSTROPHE.pattern}ll\\b")
"""Replaced before apostrophes are removed; otherwise "I'll" would become "ill"."""
_SPACES = re.compile(r"\s+")
_AROUND_HAN = re.compile(r"(?<=[㐀-鿿]) | (?=[㐀-鿿])")
_SPELT_OUT = re.compile(r"(?<![a-z0-9])(?:[a-z0-9] ){2,}[a-z0-9](?![a-z0-9])")
_LEET = str.maketrans("01345$@", "oieassa")
_MIXED = re.compile(r"(?=[a-z0-9]*[a-z])(?=[a-z0-9]*\d)[a-z0-9]{4,}")
_LOOKALIKES = str.maketrans("асеорхуіјѕԁһӏᴀмтвнкαεορυικνт", "aceopxyijsdhiamtbhkaeopuiknt")
_FOREIGN_LETTER = re.compile(r"[Ͱ-ԯ]")


class NormalizedText(FrozenModel):
    """The text of one turn in the notation of the grammar.

    ``text`` holds words separated by single spaces, ``,`` and ``;`` as separate words where a clause pauses or ends,
    and no space beside a Chinese character. ``evidence`` holds the ids that were typed, in upper case.
    """

    text: str
    evidence: tuple[str, ...] = ()


def normalize(raw: str, simplified: Mapping[int, int]) -> NormalizedText:
    """Normalize the text of one turn.

    Args:
        raw: the text as typed; only the first ``MAX_CHARACTERS`` are read.
        simplified: traditional Chinese characters to simplified ones, by code point.
    """
    text = unicodedata.normalize("NFKC", raw[:MAX_CHARACTERS])
    text = "".join(" " if mark < " " and mark != "\n" else mark for mark in text if unicodedata.category(mark) != "Cf")
    evidence = tuple(dict.fromkeys(found.group().upper() for found in _EVIDENCE.finditer(text)))
    text = _EVIDENCE.sub(" ", text).casefold()
    text = unicodedata.normalize("NFD", text)
    text = "".join(mark for mark in text if unicodedata.category(mark) != "Mn").translate(simplified)
    if _FOREIGN_LETTER.search(text):
        text = text.translate(_LOOKALIKES)
    text = _APOSTROPHE.sub("", _WILL.sub(" will", text))
    text = _NUMBER_SIGN.sub(" number ", text)
    text = _PAUSE.sub(" \x01 ", _STOP.sub(" \x02 ", text))
    text = "".join(mark if mark.isalnum() or mark in "\x01\x02" else " " for mark in text)
    text = _SPACES.sub(" ", text).strip().replace("\x01", ",").replace("\x02", ";")
    return NormalizedText(text=_AROUND_HAN.sub("", text), evidence=evidence)


def join_disguised_words(text: str) -> str:
    """``text`` with words that are disguised as "r4ce" or "r a c e" restored, to find refused topics."""
    joined = _SPELT_OUT.sub(lambda found: found.group().replace(" ", ""), text)
    return _MIXED.sub(lambda found: found.group().translate(_LEET), joined)


def is_readable(raw: str) -> bool:
    """Whether ``raw`` is text that somebody could have typed, and not the bytes of a file."""
    head = raw[:MAX_CHARACTERS]
    odd = sum(1 for mark in head if mark == "\ufffd" or _is_unprintable(mark))
    return odd * 20 <= len(head)


def _is_unprintable(mark: str) -> bool:
    return unicodedata.category(mark) in ("Cc", "Cs", "Co", "Cn") and mark not in "\n\r\t"
