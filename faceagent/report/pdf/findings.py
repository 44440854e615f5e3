"""The verdicts of a report as rows and strips of the PDF: in words, on the verbal scale, and in numbers."""

import math
from collections.abc import Iterable, Sequence

from faceagent.judge import wording
from faceagent.report.headings import Headings
from faceagent.report.pdf.legible import Value
from faceagent.report.strips import Strip, zones
from faceagent.types import SUBJECT, Face, Probability

LEAST = 1e-6


def findings(strips: Sequence[Strip], faces: Sequence[Face], words: Headings) -> list[Value]:
    """The verdicts by subject: the faces in their order, then the picture as a whole."""
    subjects = dict.fromkeys([*(face.id for face in faces), *(one.verdict.subject for one in strips)])
    ordered = sorted(subjects, key=lambda subject: subject == SUBJECT)
    groups = [(subject, [one for one in strips if one.verdict.subject == subject]) for subject in ordered]
    return [
        {"subject": subject, "title": title(subject, words), "rows": [_row(one, words) for one in rows]}
        for subject, rows in groups
        if rows
    ]


def title(subject: str, words: Headings) -> str:
    """What a subject is called: a face, or the picture as a whole."""
    return words.document("whole", id=subject) if subject == SUBJECT else words.say("face", id=subject)


def scale(words: Headings) -> list[Value]:
    """The verbal scale: each word with the ratios that it stands for."""
    floors = [floor for floor, _ in wording.SCALE]
    rows: list[Value] = []
    for (floor, word), ceiling in zip(wording.SCALE, [*floors[1:], None], strict=True):
        low = f"{10**floor:,.0f}"
        span = (
            words.document("scale_above", low=low)
            if ceiling is None
            else words.document("scale_from", low=low, high=f"{10**ceiling:,.0f}")
        )
        rows.append([words.support("no" if word == "none" else word), span])
    return rows


def scale_zones() -> list[Value]:
    """The parts of the drawn scale in per cent: where each begins, how wide it is."""
    return [[left, width] for left, width, _ in zones()]


def drawn(strip: Strip) -> Value:
    """A strip with its bar, positions in per cent."""
    bar = strip.bar
    return {
        "title": strip.title,
        "tone": strip.tone,
        "answer": strip.answer,
        "reason": strip.reason or "",
        "bar": None
        if bar is None
        else {
            "value": bar.value,
            "low": bar.low,
            "high": bar.high,
            "ends": None if bar.ends is None else list(bar.ends),
            "text": bar.text,
        },
    }


def operating_lines(strips: Iterable[Strip], words: Headings) -> list[Value]:
    """The lines of decision behind verdicts, each once."""
    points = [(one.title, point) for one in strips if (point := one.verdict.operating_point) is not None]
    lines = {
        (
            title,
            words.document(
                "operating_value",
                name=point.name,
                threshold=f"{point.threshold:g}",
                scale=point.scale,
                measured_on=point.measured_on,
            ),
        ): None
        for title, point in points
    }
    return [list(line) for line in lines]


def _row(strip: Strip, words: Headings) -> Value:
    ratio, interval = _ratio(strip, words)
    text = strip.bar.text if strip.bar is not None else ""
    return {
        "question": strip.title,
        "answer": strip.answer,
        "tone": strip.tone,
        "support": text[:1].upper() + text[1:],
        "ratio": ratio,
        "interval": interval,
    }


def _ratio(strip: Strip, words: Headings) -> tuple[str, str]:
    """The likelihood ratio of the likelier side with its 95 % interval; empty where the question has no two sides."""
    positive, ends = strip.verdict.positive, words.ends(strip.verdict.question)
    if positive is None or ends is None:
        return "", ""
    sides = _of_likelier_side(positive)
    value, low, high = (math.log10(share / (1 - share)) for share in sides)
    text = words.document("ratio_for", ratio=wording.ratio(value), side=ends[positive.value >= 0.5])
    low_text, high_text = (wording.ratio(one).removeprefix("LR ") for one in (low, high))
    if low_text == high_text:
        # The ratio stands at its limit, and so do both ends of its interval.
        return text, ""
    return text, words.document("ratio_interval", low=low_text, high=high_text)


def _of_likelier_side(one: Probability) -> tuple[float, float, float]:
    shares = (one.value, one.low, one.high) if one.value >= 0.5 else (1 - one.value, 1 - one.high, 1 - one.low)
    value, low, high = (min(max(share, LEAST), 1 - LEAST) for share in shares)
    return value, low, high
