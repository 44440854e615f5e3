"""The explanation in a vision-language model's words: asked, checked, and completed or replaced by the ledger's.

The judge owns the verdict: a sentence that concludes anything else is struck. What the check strikes stays struck, or
is told to the model for one more answer where the depth is "reflected". A conclusion that does not hold is taken from
the ledger, and a model that cannot be asked or understood leaves the whole explanation to it, with the reason.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Sequence

from faceagent.errors import FaceagentError, ModelUnavailable, VlmAnswerInvalid
from faceagent.explain import brief, ledger
from faceagent.explain.check import check
from faceagent.prompts import Prompt, prompt
from faceagent.settings import Depth
from faceagent.types import INCONCLUSIVE, Evidence, Explanation, Step, Verdict
from faceagent.vlm.answers import parsed
from faceagent.vlm.protocol import Answer, Backend, GenerationRequest, Message

logger = logging.getLogger(__name__)

LONGEST = 480
"""Tokens of one explanation; those of the embedded model have about 200."""
ENGLISH = frozenset("a and are at by from in is it no not of on or so that the this to which with".split())  # noqa: SIM905
LEAST_ENGLISH, WORDS = 0.08, 25
"""Share of such words in an English text, and words from which it can be told."""


class Narrator:
    """Explains verdicts through one backend; once that is gone it is not asked again, and the ledger goes on."""

    def __init__(
        self,
        backend: Backend | None,
        depth: Depth = "plain",
        *,
        adapted: bool = False,
        opinionated: bool = False,
        gone: str | None = None,
    ) -> None:
        """``adapted``: ask only what there is an adapter for. ``opinionated``: the model's own reading is wanted too.

        ``gone``: why there is no backend.
        """
        self._backend, self._depth, self._adapted, self._gone = backend, depth, adapted, gone
        self.opinionated = opinionated

    @property
    def backend(self) -> Backend | None:
        """The model, as long as it answers."""
        return None if self._gone is not None else self._backend

    def explain(
        self, verdict: Verdict, evidence: Sequence[Evidence], crop: Callable[[], bytes] | None = None
    ) -> Explanation:
        """The checked explanation of ``verdict``; ``crop`` gives the face as the model sees it, PNG.

        Always an explanation: the ledger's, with the reason in ``fallback``, when the model gives none that holds.
        """
        floor = check(ledger.write(verdict, evidence), evidence, verdict)
        if verdict.question not in brief.SECTIONS or crop is None or not (told := brief.shown(verdict, evidence)):
            return floor
        if self._backend is None or self._gone is not None:
            return floor.model_copy(update={"fallback": self._gone})
        if self._adapted and verdict.question not in self._backend.adapters():
            return floor
        try:
            return _completed(speak(verdict, evidence, told, self._backend, crop(), self._depth), floor)
        except ModelUnavailable as error:
            self._gone = reason = f"{error.code}: {error}"
        except FaceagentError as error:
            reason = f"{error.code}: {error}"
        except Exception as error:
            # A backend of somebody else's may fail in any way; none may cost a report its explanation.
            logger.exception("the backend failed on %s", verdict.id)
            reason = f"the backend failed ({type(error).__name__})"
        logger.warning("the ledger explains %s, not the vision-language model (%s)", verdict.id, reason)
        return floor.model_copy(update={"fallback": reason})


def speak(
    verdict: Verdict,
    evidence: Sequence[Evidence],
    told: Sequence[Evidence],
    backend: Backend,
    crop: bytes,
    depth: Depth = "plain",
) -> Explanation:
    """The model's explanation from what it is ``told``, with everything struck that ``evidence`` does not bear out.

    Raises ModelUnavailable, and VlmAnswerInvalid when nothing of the answer can be used.
    """
    plan = depth != "plain"
    ask = GenerationRequest(
        turns=(Message(text=brief.asked(verdict, told, plan=plan), images=(crop,)),),
        format=brief.form(verdict, told, plan=plan),
        adapter=verdict.question if verdict.question in backend.adapters() else None,
        max_tokens=LONGEST,
    )
    spoken = _answered(ask, verdict, evidence, told, backend)
    if depth == "reflected" and spoken.struck:
        return _once_more(ask, spoken, verdict, evidence, told, backend)
    return spoken


def _answered(
    ask: GenerationRequest, verdict: Verdict, evidence: Sequence[Evidence], told: Sequence[Evidence], backend: Backend
) -> Explanation:
    """The model's answer, checked. Raises VlmAnswerInvalid when it cannot be used at all."""
    answer = backend.ask(ask)
    steps = _steps(ask, answer, verdict, told)
    templates = [brief.template(verdict.question)] + [prompt("any/vlm_again")] * (len(ask.turns) > 1)
    name, digest = _signed(templates)
    spoken = Explanation(
        question=verdict.question,
        subject=verdict.subject,
        steps=steps,
        author=f"{backend.name}: {answer.model}",
        adapter=answer.adapter,
        prompt=name,
        prompt_sha256=digest,
    )
    checked = _agreeing(check(spoken, evidence, verdict), verdict)
    if len(checked.struck) > len(checked.steps):
        raise VlmAnswerInvalid(f"Of the answer's {len(steps)} sentences only {len(checked.steps)} hold.")
    return checked


def _once_more(
    ask: GenerationRequest,
    before: Explanation,
    verdict: Verdict,
    evidence: Sequence[Evidence],
    told: Sequence[Evidence],
    backend: Backend,
) -> Explanation:
    """The better of the first answer and a second one that was told what did not hold in the first."""
    said = brief.answered(verdict, before.steps, plan=True)
    faults = prompt("any/vlm_again").render({"faults": before.struck}).strip()
    again = ask.model_copy(update={"turns": (*ask.turns, Message(role="assistant", text=said), Message(text=faults))})
    try:
        after = _answered(again, verdict, evidence, told, backend)
    except (ModelUnavailable, VlmAnswerInvalid) as error:
        logger.warning("the second answer about %s is left aside: %s", verdict.id, error)
        return before
    return after if len(after.struck) < len(before.struck) else before


def _steps(ask: GenerationRequest, answer: Answer, verdict: Verdict, told: Sequence[Evidence]) -> tuple[Step, ...]:
    """The answer's sentences; validated here again, whatever the backend says it has enforced."""
    value = parsed(answer.text, ask.format or {}, whole=answer.finish == "stop")
    steps = brief.steps_of(value, verdict, told)
    words = re.findall(r"\w+", " ".join(step.text for step in steps).lower())
    letters = [letter for word in words for letter in word if letter.isalpha()]
    foreign = sum(not letter.isascii() for letter in letters) > 0.1 * len(letters)
    if foreign or (len(words) >= WORDS and sum(word in ENGLISH for word in words) < LEAST_ENGLISH * len(words)):
        raise VlmAnswerInvalid("The answer is not in English.")
    return steps


def _signed(templates: Sequence[Prompt]) -> tuple[str, str]:
    """Names of the prompts and their digest; of several, the digest of their digests."""
    if len(templates) == 1:
        return templates[0].name, templates[0].sha256
    whole = hashlib.sha256("".join(one.sha256 for one in templates).encode()).hexdigest()
    return " + ".join(one.name for one in templates), whole


def _agreeing(spoken: Explanation, verdict: Verdict) -> Explanation:
    """Without conclusions that do not say the verdict's label, or that name another label of the judge's."""
    kept, struck = [], list(spoken.struck)
    for step in spoken.steps:
        if step.section == brief.CONCLUSION and not concludes(step.text, verdict):
            struck.append(f"{step.text} (concludes something else than the verdict)")
        else:
            kept.append(step)
    return spoken.model_copy(update={"steps": tuple(kept), "struck": tuple(struck)})


LABELS: dict[str, tuple[str, ...]] = {
    "expression": ("neutral", "happy", "surprise", "sadness", "fear", "anger", "disgust", "other", INCONCLUSIVE),
    "forgery": ("forged", "bona fide", INCONCLUSIVE),
    "identity": ("genuine", "other person", "forged", INCONCLUSIVE),
}
"""What a conclusion can say, per question."""


def concludes(text: str, verdict: Verdict) -> bool:
    """Whether a sentence says the verdict's label and no other of its question, and does not deny it."""
    words = " ".join(re.findall(r"[a-z]+", text.lower()))
    label = verdict.label.replace("_", " ")
    others = [other for other in LABELS[verdict.question] if other != label]
    named = re.search(rf"(?<!not )\b{label}\b", words) is not None
    return named and not any(re.search(rf"\b{other}\b", words) for other in others)


def _completed(spoken: Explanation, floor: Explanation) -> Explanation:
    """With the ledger's conclusion where none of the model's held."""
    if any(step.section == brief.CONCLUSION for step in spoken.steps):
        return spoken
    ends: list[Step] = [step for step in floor.steps if step.section == brief.CONCLUSION]
    return spoken.model_copy(update={"steps": (*spoken.steps, *ends)})
