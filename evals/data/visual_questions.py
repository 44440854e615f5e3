"""Questions that only the picture answers, with answers that were measured or are true by construction.

Head side, smile, mouth and eyes come from the face finder; light from the pixels; the altered region from the splice
maker; glasses, hats and hair from the captions of the sets, age and gender from FairFace's labels. A value between two
answers is not asked about. Race is never asked about, though some captions name it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.data.synthesis.measured_faces import MeasuredFace, mean_luma
from faceagent.types import Region

Facts = Mapping[str, str]
"""Topic to answer: {"side": "left", "smile": "no", ...}; an unclear topic is absent."""

PHRASES: Mapping[str, tuple[str, ...]] = {
    "side": (
        "Which way is the head turned, left, right or front?",
        "Is the face turned to the left, to the right, or does it look to the front?",
        "Head direction: left, right or front?",
        "Where does the nose point in this picture: left, right or front?",
    ),
    "smile": (
        "Is the person smiling?",
        "Does this face smile?",
        "Smiling or not? Answer yes or no.",
        "Is there a smile?",
    ),
    "mouth": ("Is the mouth open or closed?", "Mouth: open or closed?", "Are the lips open or closed?"),
    "eyes": ("Are the eyes open or closed?", "Eyes: open or closed?"),
    "light": (
        "Is the picture dark or bright?",
        "Is the face dark or bright?",
        "Light: dark or bright?",
        "Was this taken in dark or bright light?",
    ),
    "glasses": (
        "Is the person wearing glasses?",
        "Does this person wear glasses?",
        "Are there glasses on the face?",
        "Glasses? Answer yes or no.",
    ),
    "colour": ("Is the picture in colour or grey?", "Colour or grey?"),
    "hat": ("Is the person wearing a hat?", "Is there a hat on the head?"),
    "beard": ("Does the person have a beard?", "Is there a beard?"),
    "hair": ("What colour is the hair?", "Hair colour?"),
    "age": ("Is this a child, an adult or an old person?", "Child, adult or old?"),
    "gender": ("Does the face look like a man or a woman?", "Man or woman, by appearance?"),
    "altered": (
        "Which part was altered, the {a} or the {b}?",
        "One part of this face was replaced: the {a} or the {b}?",
        "Which region is forged: {a} or {b}?",
    ),
    "forged": ("Was a part of this face replaced?", "Is this face spliced? Answer yes or no."),
}
"""Topic to its wordings; where there are three or more, the last one is used in validation only."""

PARTS: Mapping[str, tuple[Region, ...]] = {"eyes": ("left_eye", "right_eye"), "nose": ("nose",), "mouth": ("mouth",)}
"""Regions that can be altered, as the questions name them; both eyes are one, so that mirroring changes nothing."""
HAIR: Mapping[str, str] = {
    "white or gray hair": "grey",
    "blue hair": "blue",
    "green hair": "green",
    "red or orange hair": "red",
    "purple or pink hair": "pink",
    "yellow or blond hair": "blond",
    "long black hair": "black",
    "short black hair": "black",
    "long blond hair": "blond",
    "short blond hair": "blond",
    "long red hair": "red",
    "short red hair": "red",
}
BANDS: Mapping[str, str] = {
    "0-2": "child",
    "3-9": "child",
    "20-29": "adult",
    "30-39": "adult",
    "40-49": "adult",
    "60-69": "old",
    "more than 70": "old",
    "70+": "old",
    "10 month old baby": "child",
    "2.5 year old toddler": "child",
    "small child": "child",
    "30 year old adult": "adult",
    "wrinkly 70 year old senior": "old",
}
CORE_TOPICS = ("side", "smile", "light", "glasses", "altered")
"""The topics that the model is measured on."""
DARK, BRIGHT = 75.0, 135.0
"""Mean brightness of the inner crop (0-255) below which a picture is dark and above which it is bright."""


@dataclass(frozen=True)
class VisualQuestion:
    """One question and its answer; ``topic`` is a key of ``PHRASES``."""

    topic: str
    question: str
    answer: str


def face_facts(one: MeasuredFace, glasses: str | None = None) -> dict[str, str]:
    """What is clear about an unchanged picture; ``glasses`` is used where the caption does not say."""
    known: dict[str, str] = {}
    shapes = one.shapes
    if abs(one.yaw) < 7:
        known["side"] = "front"
    elif abs(one.yaw) > 14:
        known["side"] = "right" if one.yaw > 0 else "left"
    smile = (shapes["mouthSmileLeft"] + shapes["mouthSmileRight"]) / 2
    if smile > 0.55 or smile < 0.08:
        known["smile"] = "yes" if smile > 0.55 else "no"
    if shapes["jawOpen"] > 0.25 or shapes["jawOpen"] < 0.02:
        known["mouth"] = "open" if shapes["jawOpen"] > 0.25 else "closed"
    blink = (shapes["eyeBlinkLeft"] + shapes["eyeBlinkRight"]) / 2
    if blink > 0.6 or blink < 0.2:
        known["eyes"] = "closed" if blink > 0.6 else "open"
    return known | _captioned(one.caption) | ({"glasses": glasses} if glasses else {})


def _captioned(caption: Mapping[str, str]) -> dict[str, str]:
    known: dict[str, str] = {}
    label, condition = caption.get("query_label", ""), caption.get("condition", "")
    if "glasses" in label:
        known["glasses"] = "yes"
    if condition == "Hats" or label in ("hat", "baseball cap"):
        known["hat"] = "yes"
    elif condition in ("Hair Style", "Hair Color", "Hair Style x Sex"):
        known["hat"] = "no"
    if label in ("full beard", "fashionable beard", "long white beard"):
        known["beard"] = "yes"
    elif label == "shaved face" or caption.get("gender", "").lower() == "female":
        known["beard"] = "no"
    if label in HAIR:
        known["hair"] = HAIR[label]
    if band := BANDS.get(caption.get("age", "") or label):
        known["age"] = band
        if band != "child" and (gender := caption.get("gender", "").lower()):
            known["gender"] = {"male": "man", "female": "woman"}[gender]
    return known


def facts_after_augmentation(
    known: Facts, pixels: NDArray[np.uint8], *, mirrored: bool, part: str | None
) -> dict[str, str]:
    """The facts of a crop after augmentation: mirrored or not, its brightness, spliced or whole."""
    now = dict(known)
    if mirrored and now.get("side") in ("left", "right"):
        now["side"] = {"left": "right", "right": "left"}[now["side"]]
    light = mean_luma(pixels)
    if light < DARK or light > BRIGHT:
        now["light"] = "dark" if light < DARK else "bright"
    now["colour"] = "grey" if float(np.ptp(pixels.astype(np.int16), axis=2).mean()) < 2 else "colour"
    now["forged"] = "no" if part is None else "yes"
    if part is not None:
        now["altered"] = part
    return now


def build_questions(
    now: Facts, topics: Sequence[str], rng: np.random.Generator, *, held_out: bool = False
) -> list[VisualQuestion]:
    """One question for each topic that has an answer; with ``held_out`` in words not used in training."""
    asked = []
    for topic in topics:
        if topic not in now:
            continue
        phrases = PHRASES[topic]
        if len(phrases) >= 3:
            phrases = phrases[-1:] if held_out else phrases[:-1]
        words = phrases[int(rng.integers(len(phrases)))]
        if topic == "altered":
            other = [part for part in PARTS if part != now[topic]]
            pair = [now[topic], other[int(rng.integers(len(other)))]]
            first = int(rng.integers(2))
            words = words.format(a=pair[first], b=pair[1 - first])
        asked.append(VisualQuestion(topic, words, now[topic]))
    return asked
