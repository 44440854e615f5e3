"""Explanations by a vision-language model: generated, checked, completed or replaced by the template explainer's.

The judge decides the verdict: a sentence that concludes anything else is rejected. Sentences that the check rejects are
left out, or reported to the model for a second answer where the depth is "reflected". A rejected conclusion is replaced
by that of the template explainer. When the model is unavailable or its answer invalid, the template explainer writes
the whole explanation, with the reason in ``fallback``.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Sequence

from faceagent.errors import FaceagentError, ModelUnavailable, VlmAnswerInvalid
from faceagent.explain import explanation_prompt
from faceagent.explain.check import check
from faceagent.explain.template_explainer import explain_by_template
from faceagent.prompts import Prompt, prompt
from faceagent.settings import Depth
from faceagent.types import INCONCLUSIVE, Evidence, Explanation, Step, Verdict
from faceagent.vlm.answers import parse_answer
from faceagent.vlm.protocol import Answer, Backend, GenerationRequest, Message

logger = logging.getLogger(__name__)

LONGEST = 480
"""Most tokens of one explanation; those of the embedded model have about 200."""
ENGLISH = frozenset("a and are at by from in is it no not of on or so that the this to which with".split())  # noqa: SIM905
LEAST_ENGLISH, WORDS = 0.08, 25
"""Least share of such words in an English text, and the least number of words for this test."""


class VlmExplainer:
    """Explains verdicts through one backend; once that is unavailable it is not used again, and templates explain."""

    def __init__(
        self,
        backend: Backend | None,
        depth: Depth = "plain",
        *,
        needs_adapter: bool = False,
        wants_opinion: bool = False,
        unavailable: str | None = None,
    ) -> None:
        """Without a ``backend`` every explanation is the template explainer's.

        Args:
            backend: the model.
            depth: whether the model plans first, and whether it may answer a second time.
            needs_adapter: explain only questions for which the backend has an adapter.
            wants_opinion: the model's own reading of each face is wanted too (the tool ``opinion``).
            unavailable: why there is no backend.
        """
        self._backend, self._depth, self._needs_adapter = backend, depth, needs_adapter
        self._unavailable = unavailable
        self.wants_opinion = wants_opinion

    @property
    def backend(self) -> Backend | None:
        """The model, as long as it answers."""
        return None if self._unavailable is not None else self._backend

    def explain(
        self, verdict: Verdict, evidence: Sequence[Evidence], crop: Callable[[], bytes] | None = None
    ) -> Explanation:
        """The checked explanation of ``verdict``; ``crop`` gives the face as PNG, as the model is to see it.

        Never raises for the model: the explanation is then the template explainer's, with the reason in ``fallback``.
        """
        plain = check(explain_by_template(verdict, evidence), evidence, verdict)
        if verdict.question not in explanation_prompt.SECTIONS or crop is None:
            return plain
        selected = explanation_prompt.select_evidence(verdict, evidence)
        if not selected:
            return plain
        if self._backend is None or self._unavailable is not None:
            return plain.model_copy(update={"fallback": self._unavailable})
        if self._needs_adapter and verdict.question not in self._backend.adapters():
            return plain
        try:
            found = explain_with_model(verdict, evidence, selected, self._backend, crop(), self._depth)
            return _with_conclusion(found, plain)
        except ModelUnavailable as error:
            self._unavailable = reason = f"{error.code}: {error}"
        except FaceagentError as error:
            reason = f"{error.code}: {error}"
        except Exception as error:
            # A third party's backend may raise anything; no exception of it may cost a report its explanation.
            logger.exception("the backend failed on %s", verdict.id)
            reason = f"the backend failed ({type(error).__name__})"
        logger.warning("the ledger explains %s, not the vision-language model (%s)", verdict.id, reason)
        return plain.model_copy(update={"fallback": reason})


def explain_with_model(
    verdict: Verdict,
    evidence: Sequence[Evidence],
    selected: Sequence[Evidence],
    backend: Backend,
    crop: bytes,
    depth: Depth = "plain",
) -> Explanation:
    """The model's explanation from the ``selected`` evidence, without the sentences that ``evidence`` does not support.

    Raises ModelUnavailable, and VlmAnswerInvalid when no part of the answer is usable.
    """
    plan = depth != "plain"
    request = GenerationRequest(
        turns=(Message(text=explanation_prompt.build_prompt(verdict, selected, plan=plan), images=(crop,)),),
        format=explanation_prompt.answer_schema(verdict, selected, plan=plan),
        adapter=verdict.question if verdict.question in backend.adapters() else None,
        max_tokens=LONGEST,
    )
    first = _ask(request, verdict, evidence, selected, backend)
    if depth == "reflected" and first.struck:
        return _ask_again(request, first, verdict, evidence, selected, backend)
    return first


def _ask(
    request: GenerationRequest,
    verdict: Verdict,
    evidence: Sequence[Evidence],
    selected: Sequence[Evidence],
    backend: Backend,
) -> Explanation:
    """The model's answer, checked. Raises VlmAnswerInvalid when it is not usable at all."""
    answer = backend.ask(request)
    steps = _steps(request, answer, verdict, selected)
    templates = [explanation_prompt.prompt_template(verdict.question)]
    templates += [prompt("any/vlm_again")] * (len(request.turns) > 1)
    name, digest = _prompt_stamp(templates)
    unchecked = Explanation(
        question=verdict.question,
        subject=verdict.subject,
        steps=steps,
        author=f"{backend.name}: {answer.model}",
        adapter=answer.adapter,
        prompt=name,
        prompt_sha256=digest,
    )
    checked = _reject_wrong_conclusions(check(unchecked, evidence, verdict), verdict)
    if len(checked.struck) > len(checked.steps):
        raise VlmAnswerInvalid(f"Of the answer's {len(steps)} sentences only {len(checked.steps)} hold.")
    return checked


def _ask_again(
    request: GenerationRequest,
    first: Explanation,
    verdict: Verdict,
    evidence: Sequence[Evidence],
    selected: Sequence[Evidence],
    backend: Backend,
) -> Explanation:
    """The better of the first answer and a second one, for which the model is given the rejected sentences."""
    kept = explanation_prompt.format_answer(verdict, first.steps, plan=True)
    faults = prompt("any/vlm_again").render({"faults": first.struck}).strip()
    turns = (*request.turns, Message(role="assistant", text=kept), Message(text=faults))
    try:
        second = _ask(request.model_copy(update={"turns": turns}), verdict, evidence, selected, backend)
    except (ModelUnavailable, VlmAnswerInvalid) as error:
        logger.warning("the second answer about %s is ignored: %s", verdict.id, error)
        return first
    return second if len(second.struck) < len(first.struck) else first


def _steps(
    request: GenerationRequest, answer: Answer, verdict: Verdict, selected: Sequence[Evidence]
) -> tuple[Step, ...]:
    """The answer's sentences; the schema is validated here too, whatever the backend claims to have enforced."""
    value = parse_answer(answer.text, request.format or {}, whole=answer.finish == "stop")
    steps = explanation_prompt.parse_steps(value, verdict, selected)
    words = re.findall(r"\w+", " ".join(step.text for step in steps).lower())
    letters = [letter for word in words for letter in word if letter.isalpha()]
    foreign = sum(not letter.isascii() for letter in letters) > 0.1 * len(letters)
    if foreign or (len(words) >= WORDS and sum(word in ENGLISH for word in words) < LEAST_ENGLISH * len(words)):
        raise VlmAnswerInvalid("The answer is not in English.")
    return steps


def _prompt_stamp(templates: Sequence[Prompt]) -> tuple[str, str]:
    """Names of the prompts and their sha256; for several prompts, the sha256 of their digests."""
    if len(templates) == 1:
        return templates[0].name, templates[0].sha256
    whole = hashlib.sha256("".join(one.sha256 for one in templates).encode()).hexdigest()
    return " + ".join(one.name for one in templates), whole


def _reject_wrong_conclusions(explanation: Explanation, verdict: Verdict) -> Explanation:
    """Without conclusions that do not name the verdict's label, or that name another label of the question."""
    kept, rejected = [], list(explanation.struck)
    for step in explanation.steps:
        if step.section == explanation_prompt.CONCLUSION and not concludes(step.text, verdict):
            rejected.append(f"{step.text} (concludes something else than the verdict)")
        else:
            kept.append(step)
    return explanation.model_copy(update={"steps": tuple(kept), "struck": tuple(rejected)})


LABELS: dict[str, tuple[str, ...]] = {
    "expression": ("neutral", "happy", "surprise", "sadness", "fear", "anger", "disgust", "other", INCONCLUSIVE),
    "forgery": ("forged", "bona fide", INCONCLUSIVE),
    "identity": ("genuine", "other person", "forged", INCONCLUSIVE),
}
"""The labels that a conclusion can name, per question."""


def concludes(text: str, verdict: Verdict) -> bool:
    """Whether a sentence names the verdict's label, not negated, and no other label of its question."""
    words = " ".join(re.findall(r"[a-z]+", text.lower()))
    label = verdict.firm_label.replace("_", " ")
    others = [other for other in LABELS[verdict.question] if other != label]
    named = re.search(rf"(?<!not )\b{label}\b", words) is not None
    return named and not any(re.search(rf"\b{other}\b", words) for other in others)


def _with_conclusion(explanation: Explanation, plain: Explanation) -> Explanation:
    """``explanation``, with the conclusion of ``plain`` where it has none."""
    if any(step.section == explanation_prompt.CONCLUSION for step in explanation.steps):
        return explanation
    ends: list[Step] = [step for step in plain.steps if step.section == explanation_prompt.CONCLUSION]
    return explanation.model_copy(update={"steps": (*explanation.steps, *ends)})
