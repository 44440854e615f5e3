"""Annotators of the Exp-CoT texts: the offline grammar, or any language model.

Both infer the label from the text alone. The grammar reads action units and intensities back from the sentences and
applies the product's EMFACS rules; the language model is asked in a new conversation.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError

from faceagent.tools.expression import BASIS, read
from faceagent.tools.facs import neutral, table
from faceagent.types import INCONCLUSIVE, Evidence, FrozenModel, Step
from finetune.text.case import ExplanationCase
from finetune.text.exp_cot import CONCLUDED, INTERPRETED, OBSERVED
from finetune.text.grammar import join_words, render_phrase

_UNIT = re.compile(r"AU(\d+)")
_LEVEL = re.compile(r"(\d(?:\.\d)?) of 5")


def code_of(item: Evidence) -> int:
    """Number of the action unit of an evidence item: 12 for "F1:AU12"."""
    return int(item.id.rpartition(":AU")[2])


class GrammarAnnotator:
    """Writes sentences from the grammar; deterministic by seed, needs no model."""

    name = "grammar"

    def observe(self, units: Sequence[Evidence], memory: Sequence[str], seed: int) -> tuple[Step, ...]:
        """One sentence per unit that is present or faint, in random order; one sentence for all when none is."""
        rng = np.random.default_rng((seed, 1))
        told = [item for item in units if item.label == "present" or (memory and float(item.facts["z"]) >= BASIS)]
        if not told:
            text = render_phrase(rng, "observe", "none")
            return (Step(section=OBSERVED, text=text, cites=tuple(item.id for item in units)),)
        return tuple(self._one(rng, told[place]) for place in rng.permutation(len(told)))

    def _one(self, rng: np.random.Generator, item: Evidence) -> Step:
        slots = {"unit": f"AU{code_of(item)}", "name": str(item.facts["name"])}
        if item.label == "present" and item.score is not None:
            look = render_phrase(rng, "look", str(code_of(item)))
            text = render_phrase(rng, "observe", "unit", **slots, look=look, level=f"{item.score.value:.1f}")
        else:
            text = render_phrase(rng, "observe", "faint", **slots)
        return Step(section=OBSERVED, text=text, cites=(item.id,))

    def infer(self, text: str) -> str:
        """EMFACS on the sentences; a unit without a number is faint, an unnamed unit is absent."""
        known = {unit.code for unit in table().units}
        deviations = dict.fromkeys(known, 0.0)
        for sentence in re.split(r"(?<=\.)\s", text):
            for code in (int(found) for found in _UNIT.findall(sentence)):
                level = _LEVEL.search(sentence)
                if code in known:
                    deviations[code] = _deviation(code, float(level[1])) if level else BASIS
        return read(deviations).label

    def refine(self, case: ExplanationCase, told: Sequence[Evidence], seed: int) -> tuple[Step, ...]:
        """One sentence of interpretation, and the verdict."""
        rng = np.random.default_rng((seed, 2))
        verdict = case.verdict
        reading = next(item for item in case.evidence if item.question == "expression" and item.status == "ok")
        grounds = [item for item in told if item.id in reading.cites]
        cites = (reading.id, *(item.id for item in grounds))
        return (
            Step(section=INTERPRETED, text=self._meaning(rng, case, reading, grounds), cites=cites),
            Step(section=CONCLUDED, text=self._verdict(rng, verdict.firm_label), cites=(verdict.id,)),
        )

    def _meaning(
        self, rng: np.random.Generator, case: ExplanationCase, reading: Evidence, grounds: Sequence[Evidence]
    ) -> str:
        label = case.verdict.firm_label
        if label == INCONCLUSIVE:
            return render_phrase(rng, "interpret", "open", first=str(reading.label))
        if label in ("neutral", "other") or not grounds:
            return render_phrase(rng, "interpret", "neutral" if label == "neutral" else "other")
        units = [f"AU{code_of(item)}" for item in grounds]
        return render_phrase(
            rng, "interpret", "basic" if len(units) > 1 else "single", units=join_words(units), label=label
        )

    def _verdict(self, rng: np.random.Generator, label: str) -> str:
        if label == INCONCLUSIVE:
            return render_phrase(rng, "conclude", "open")
        return render_phrase(rng, "conclude", "label", label=label, adjective=render_phrase(rng, "adjective", label))


def _deviation(code: int, intensity: float) -> float:
    """The deviation that ``action_units.intensity`` maps to this intensity."""
    spread = neutral().ranges[code]
    return float(np.interp(intensity, (0.0, 0.5, 5.0), (spread.none, spread.present, spread.full)))


class _AnnotatedSentence(FrozenModel):
    text: str = Field(min_length=1, max_length=400)
    cites: tuple[str, ...] = ()


_LIST = TypeAdapter(tuple[_AnnotatedSentence, ...])

AskText = Callable[[str, str, int], str]
"""System text, user text, seed → the model's answer."""


@dataclass(frozen=True)
class ModelAnnotator:
    """Any language model. Its answers are used only when they parse and pass the check."""

    chat: AskText
    name: str

    def observe(self, units: Sequence[Evidence], memory: Sequence[str], seed: int) -> tuple[Step, ...]:
        """The units in the model's words; one empty step when the answer does not parse."""
        lines = "\n".join(f"[{item.id}] {item.statement}" for item in units)
        before = "".join(f"\nEarlier attempt: {fault}" for fault in memory)
        system = (
            "Describe these measured action units of a face, one sentence each, in your own words. Keep every "
            "intensity and name no expression. " + _FORM
        )
        return self._steps(system, lines + before, seed, OBSERVED)

    def infer(self, text: str) -> str:
        """The label; any other answer matches no label."""
        names = ", ".join(table().labels)
        system = f"Which expression does the described face show? Answer with one word out of: {names}."
        return self.chat(system, text, 0).strip().strip(".").lower()

    def refine(self, case: ExplanationCase, told: Sequence[Evidence], seed: int) -> tuple[Step, ...]:
        """One sentence of interpretation and one of conclusion in the model's words."""
        verdict = case.verdict
        lines = "\n".join(f"[{item.id}] {item.statement}" for item in (*told, *_readings(case)))
        user = f"{lines}\n[{verdict.id}] The verdict is {verdict.firm_label}."
        meaning = self._steps(
            "Explain in one sentence how the units lead to the verdict. " + _FORM, user, seed, INTERPRETED
        )
        end = self._steps("State the verdict in one sentence, with its label. " + _FORM, user, seed, CONCLUDED)
        said = any(verdict.firm_label in step.text for step in end)
        return (*meaning, *end) if said else (*meaning, Step(section=CONCLUDED, text="", cites=()))

    def _steps(self, system: str, user: str, seed: int, section: str) -> tuple[Step, ...]:
        try:
            said = _LIST.validate_python(json.loads(self.chat(system, user, seed)))
        except (ValueError, ValidationError):
            return (Step(section=section, text="", cites=()),)
        return tuple(Step(section=section, text=one.text, cites=one.cites) for one in said)


_FORM = 'Answer with a JSON list of {"text": …, "cites": [ids of the evidence behind the sentence]} and nothing else.'


def _readings(case: ExplanationCase) -> tuple[Evidence, ...]:
    return tuple(item for item in case.evidence if item.question == "expression" and item.status == "ok")
