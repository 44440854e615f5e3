"""What the shipped embedded model makes of evidence, about people that training held out.

Pictures are analysed by the product, and the model explains their verdicts; then again under another picture's
evidence (the swap test of ``evals.tasks.explanation``). Counted before the check: the answer's form, and sentences
that the evidence does not carry. Counted after it: citations, the verdict named, the ledger in the model's place.
The expression is asked for with the evidence beside the picture, against the rules that made the evidence.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from evals.acceptance import MissingSet, Row, bootstrap, labels, wilson
from evals.data.held_out import held_out_files, person
from evals.data.training_sets import EXPRESSION_LABELS, EXPRESSION_SET, TRAINING_SETS
from evals.tasks.explanation import follows, names
from evals.views import portraits, whole
from faceagent import Analyst
from faceagent.errors import VlmAnswerInvalid
from faceagent.explain import VlmExplainer, explanation_prompt
from faceagent.explain.vlm_explainer import concludes
from faceagent.judge import weigh
from faceagent.settings import Settings
from faceagent.tools.action_units import ActionUnits
from faceagent.tools.expression import Expression
from faceagent.types import Evidence, Explanation, Question, Report, Verdict
from faceagent.vlm.answers import parsed
from faceagent.vlm.label import CHOICES, question
from faceagent.vlm.portrait import shown
from faceagent.vlm.protocol import Answer, Backend, GenerationRequest, Message

PICTURES = 5
"""Of every set."""
PAIRS = 4
"""Of the same person, and as many of two people."""
SEED = 4
ON = "held-out people"
PEOPLE = "frll_london"
"""The set with two pictures of everybody."""


class Heard:
    """A backend, and of each structured answer whether it was what was asked for, its tokens and its seconds."""

    def __init__(self, backend: Backend) -> None:
        self.name, self._backend = backend.name, backend
        self.valid: list[bool] = []
        self.spent: list[tuple[int, float]] = []

    def ask(self, ask: GenerationRequest) -> Answer:
        """See ``Backend.ask``."""
        try:
            answer = self._backend.ask(ask)
            parsed(answer.text, ask.format or {}, whole=answer.finish == "stop")
        except VlmAnswerInvalid:
            self.valid.append(False)
            raise
        self.valid.append(True)
        self.spent.append((answer.tokens, answer.seconds))
        return answer

    def stream(self, ask: GenerationRequest) -> Iterator[str]:
        """See ``Backend.stream``."""
        return self._backend.stream(ask)

    def score(self, ask: GenerationRequest, choices: tuple[str, ...]) -> Mapping[str, float]:
        """See ``Backend.score``."""
        return self._backend.score(ask, choices)

    def adapters(self) -> frozenset[str]:
        """See ``Backend.adapters``."""
        return self._backend.adapters()

    def close(self) -> None:
        """See ``Backend.close``."""
        self._backend.close()


@dataclass
class Tally:
    """Explanations of one question, as the explainer wrote them, and the outcomes of the swap test."""

    told: list[tuple[Explanation, Verdict, Sequence[Evidence]]] = field(default_factory=list)
    followed: list[bool] = field(default_factory=list)
    unstruck: list[bool] = field(default_factory=list)


def rows(data: Path, settings: Settings, model: Backend) -> Iterator[Row]:
    """Form, citations, agreement, swaps and fallbacks; tokens and seconds; labels beside the evidence."""
    heard = Heard(model)
    tallies = {topic: Tally() for topic in explanation_prompt.SECTIONS}
    with Analyst(settings) as analyst:
        for questions, pictures in _scenes(data):
            reports = [
                (file, analyst.analyze(file, questions=questions, references=references, explain="ledger"))
                for file, references in pictures
            ]
            for place, (file, report) in enumerate(reports):
                donor = reports[(place + 1) % len(reports)][1]
                _explained(tallies, questions, VlmExplainer(heard, needs_adapter=True), file, report, donor, settings)
    yield from _figures(tallies, heard)
    yield from _labels(data, settings, model)


def _scenes(data: Path) -> Iterator[tuple[tuple[Question, ...], list[tuple[Path, list[Path]]]]]:
    """Questions, and pictures with their references."""
    rng = np.random.default_rng(SEED)
    found = {name: held_out(data, name) for name in TRAINING_SETS if (data / name / "labels.csv").is_file()}
    if not found:
        raise MissingSet(f"none of the sets that training drew from is below {data}")
    mixed: list[tuple[Path, list[Path]]] = [(file, []) for files in found.values() for file in _some(files, rng)]
    yield ("expression", "forgery"), [mixed[place] for place in rng.permutation(len(mixed))]
    people: dict[str, list[Path]] = {}
    for file in found.get(PEOPLE, []):
        people.setdefault(person(PEOPLE, file.name), []).append(file)
    pairs = [files[:2] for files in people.values() if len(files) > 1][:PAIRS]
    same = [(one, [other]) for one, other in pairs]
    others = [(one, [pairs[(place + 1) % len(pairs)][1]]) for place, (one, _) in enumerate(pairs)]
    yield ("identity",), [scene for both in zip(same, others, strict=True) for scene in both]


def held_out(data: Path, name: str) -> list[Path]:
    """The pictures of a set that training never saw."""
    return [data / name / file for file in held_out_files(name, labels(data, name))]


def _some(files: Sequence[Path], rng: np.random.Generator) -> list[Path]:
    return [files[place] for place in rng.permutation(len(files))[:PICTURES]]


def _explained(
    tallies: Mapping[Question, Tally],
    questions: Sequence[Question],
    explainer: VlmExplainer,
    file: Path,
    report: Report,
    donor: Report,
    settings: Settings,
) -> None:
    view = whole(file, settings)
    faces = {face.id: face for face in report.faces}
    known: dict[str, Explanation] = {}

    def explain_once(verdict: Verdict, evidence: Sequence[Evidence]) -> Explanation | None:
        if view is None:
            return None
        key = f"{verdict.model_dump_json()}{[item.statement for item in evidence]}"
        if key not in known:
            crop = partial(shown, view.pixels(), faces[verdict.subject].box)
            known[key] = explainer.explain(verdict, evidence, crop)
            if known[key].author != "ledger" or known[key].fallback is not None:
                tallies[verdict.question].told.append((known[key], verdict, evidence))
        return known[key]

    for verdict in report.verdicts:
        face = faces.get(verdict.subject)
        if verdict.question not in questions or face is None:
            continue
        explain_once(verdict, report.evidence)
        outcome = follows(report, donor, face, verdict, explain_once) if donor.faces else None
        if outcome is not None:
            tally = tallies[verdict.question]
            tally.followed.append(outcome)
            tally.unstruck.append(outcome and not tally.told[-1][0].struck)


def _figures(tallies: Mapping[Question, Tally], heard: Heard) -> Iterator[Row]:
    told = [one for tally in tallies.values() for one in tally.told]
    spoken = [one for one in told if one[0].fallback is None]
    steps = [
        all(cite in {item.id for item in evidence} | {verdict.id} for cite in step.cites)
        for explanation, verdict, evidence in told
        for step in explanation.steps
    ]
    agreeing = [names(explanation, verdict) for explanation, verdict, _ in spoken]
    own = [
        any(
            concludes(step.text, verdict) for step in explanation.steps if step.section == explanation_prompt.CONCLUSION
        )
        for explanation, verdict, _ in spoken
    ]
    struck = [len(explanation.struck) for explanation, *_ in spoken]
    count = sum(struck) + sum(len(explanation.steps) for explanation, *_ in spoken)
    yield _share("answers that satisfy their schema", heard.valid, 0.99)
    yield _share("citations after the check that exist", steps, 1.0)
    yield _share("explanations that say the verdict", agreeing, 1.0)
    yield _share("conclusions of the model's own that hold", own)
    yield _share("explanations left to the ledger", [one.fallback is not None for one, *_ in told])
    yield _share("sentences struck by the check", [True] * sum(struck) + [False] * (count - sum(struck)))
    yield _share("swapped evidence followed", [one for tally in tallies.values() for one in tally.followed], 0.95)
    unstruck = [one for tally in tallies.values() for one in tally.unstruck]
    yield _share("swapped evidence followed, nothing struck", unstruck)
    for topic, tally in tallies.items():
        yield _share(f"  swapped evidence followed, {topic}", tally.followed)
    tokens, seconds = (float(np.mean(column)) for column in zip(*heard.spent, strict=True))
    yield Row(ON, "tokens of an explanation", tokens, n=len(heard.spent))
    yield Row(ON, "seconds of an explanation", seconds, n=len(heard.spent))


def _share(figure: str, hits: Sequence[bool], bar: float | None = None) -> Row:
    if not hits:
        return Row(ON, figure, None, note="nothing to count")
    low, high = wilson(sum(hits), len(hits))
    return Row(ON, figure, sum(hits) / len(hits), low, high, len(hits), bar=bar)


def _labels(data: Path, settings: Settings, model: Backend) -> Iterator[Row]:
    """The expression beside its evidence, by the picture alone, and by the rules alone, on the labelled set."""
    if not (data / EXPRESSION_SET / "labels.csv").is_file():
        return
    truth = {data / EXPRESSION_SET / row["file"]: row["emotion"] for row in labels(data, EXPRESSION_SET)}
    hits: dict[str, list[bool]] = {"beside": [], "alone": [], "rules": []}
    people = []
    tools = (ActionUnits(settings), Expression(settings))
    files = [str(file.relative_to(data / EXPRESSION_SET)) for file in held_out(data, EXPRESSION_SET)]
    for file, view in portraits(data / EXPRESSION_SET, files, settings):
        if view is None or view.face is None or not view.face.landmarks:
            continue
        evidence = [item for tool in tools for item in tool.run([view])[0]]
        picture = shown(view.pixels(), view.face.box)
        wanted = EXPRESSION_LABELS.get(truth[data / EXPRESSION_SET / file], truth[data / EXPRESSION_SET / file])
        people.append(person(EXPRESSION_SET, file))
        hits["rules"].append(any(item.question == "expression" and item.label == wanted for item in evidence))
        for name, told in (
            ("beside", explanation_prompt.select_evidence(weigh("expression", view.face, evidence), evidence)),
            ("alone", ()),
        ):
            turn = Message(text=question("expression", lines=explanation_prompt.prompt_lines(told)), images=(picture,))
            shares = model.score(GenerationRequest(turns=(turn,), adapter="expression"), CHOICES["expression"])
            hits[name].append(max(shares, key=lambda label: shares[label]) == wanted)
    found = {name: np.array(marks, dtype=float) for name, marks in hits.items()}
    words = {"beside": "the model, beside the evidence", "alone": "the model, by the picture alone", "rules": "rules"}
    for name, values in found.items():
        low, high = bootstrap(values, groups=people)
        yield Row(EXPRESSION_SET, f"expression: {words[name]}", float(values.mean()), low, high, len(values))
    gain = found["beside"] - found["rules"]
    low, high = bootstrap(gain, groups=people)
    yield Row(
        EXPRESSION_SET, "expression: the model beside the rules", float(gain.mean()), low, high, len(gain), bar=0.0
    )
