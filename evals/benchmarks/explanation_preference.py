"""``python -m evals.benchmarks.explanation_preference PICTURE… --out DIR``: both explainers' texts, for a blind judge.

Every picture is analysed once. Each verdict that the vision-language model explained is one case: its text and that of
the template explainer stand side by side in ``sheet.md``, in an order drawn for each case, with the record and the
rubric. ``key.json`` says which is which. A judge writes ``case,choice`` lines (1, 2 or tie) to a file, and
``--judged FILE`` prints how often each explainer was preferred.

A case in which the model's answer could not be used is none, for then the product shows the template's text; their
number is in the key.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from evals.metrics.proportion import wilson
from faceagent import Analyst
from faceagent.explain import explain_by_template
from faceagent.explain.check import check
from faceagent.settings import Settings, load
from faceagent.types import Evidence, Explanation, Report, Verdict

TEMPLATE, MODEL = "template", "vlm"
LEDGER = "ledger"
"""Author of explanations that no model wrote."""
RUBRIC = """# Which explanation is better?

Two texts explain the same verdict from the same record. Judge each case by what a reader without training in the field
needs, in this order:

1. Correct: every statement agrees with the record, and nothing important of the record is turned round.
2. Grounded: it says what was measured, where, and why that matters for the verdict; also what speaks against it.
3. Plain: short, without repetition, numbers only where they help, in whole sentences.

Do not judge the verdict itself. Write one line per case, `case,choice`, with 1, 2 or tie.
"""


class Case(NamedTuple):
    """One verdict with the texts of both explainers."""

    name: str
    verdict: Verdict
    evidence: tuple[Evidence, ...]
    template: Explanation
    model: Explanation


def cases_of(report: Report) -> tuple[list[Case], int]:
    """The cases of a report that a model explained, and how many of its answers could not be used."""
    verdicts = {(one.question, one.subject): one for one in report.verdicts}
    found, unused = [], 0
    for said in report.explanations:
        verdict = verdicts[said.question, said.subject]
        if said.author == LEDGER:
            unused += said.fallback is not None
            continue
        evidence = tuple(item for item in report.evidence if item.subject == verdict.subject)
        template = check(explain_by_template(verdict, report.evidence), report.evidence, verdict)
        found.append(Case(f"{report.source} {verdict.question} {verdict.subject}", verdict, evidence, template, said))
    return found, unused


def sheet(cases: Sequence[Case], seed: int) -> tuple[str, list[dict[str, str]]]:
    """The sheet for the judge, and for each case which explainer wrote which text."""
    rng = np.random.default_rng(seed)
    parts, key = [RUBRIC], []
    for number, case in enumerate(cases, 1):
        order = [(TEMPLATE, case.template), (MODEL, case.model)]
        if rng.random() < 0.5:
            order.reverse()
        record = "\n".join(f"- {item.statement}" for item in case.evidence if item.question == case.verdict.question)
        parts.append(
            f"## Case {number}: {case.verdict.question}\n\nVerdict: {case.verdict.wording}\n\nRecord:\n{record}\n"
        )
        parts += [f"### Text {place}\n\n{_text(said)}\n" for place, (_, said) in enumerate(order, 1)]
        key.append({"case": str(number), "1": order[0][0], "2": order[1][0], "about": case.name})
    return "\n".join(parts), key


def _text(said: Explanation) -> str:
    """An explanation as the page shows it, without who wrote it and without ids."""
    sections: dict[str, list[str]] = {}
    for step in said.steps:
        sections.setdefault(step.section, []).append(step.text)
    return "\n\n".join(f"**{section}.** {' '.join(texts)}" for section, texts in sections.items())


def preference(judged: Path, key: Sequence[dict[str, str]]) -> dict[str, object]:
    """How often each explainer was preferred; the share of the model among the cases with a choice, with interval."""
    wrote = {one["case"]: one for one in key}
    with judged.open(newline="", encoding="utf-8") as file:
        choices = [(row[0].strip(), row[1].strip().lower()) for row in csv.reader(file) if len(row) > 1]
    counts = Counter(wrote[case].get(choice, "tie") for case, choice in choices if case in wrote)
    decided = counts[MODEL] + counts[TEMPLATE]
    share = {"model_share": counts[MODEL] / decided, "interval": wilson(counts[MODEL], decided)} if decided else {}
    return {**counts, **share}


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 where there was a case."""
    parser = argparse.ArgumentParser(prog="python -m evals.benchmarks.explanation_preference", description=__doc__)
    parser.add_argument("pictures", nargs="*", help="pictures to analyse")
    parser.add_argument("--out", type=Path, required=True, help="folder of sheet.md and key.json")
    parser.add_argument("--questions", nargs="*", default=["expression", "forgery"])
    parser.add_argument("--cases", type=int, default=30, help="most cases")
    parser.add_argument("--seed", type=int, default=0, help="order of the texts")
    parser.add_argument("--judged", type=Path, help="the judge's choices: print the preference and analyse nothing")
    options = parser.parse_args(arguments)
    if options.judged is not None:
        kept = json.loads((options.out / "key.json").read_text(encoding="utf-8"))
        print(json.dumps(preference(options.judged, kept["cases"]), indent=1))
        return 0
    found, unused = collect(options.pictures, options.questions, options.cases, load())
    options.out.mkdir(parents=True, exist_ok=True)
    text, key = sheet(found, options.seed)
    (options.out / "sheet.md").write_text(text, encoding="utf-8")
    (options.out / "key.json").write_text(json.dumps({"unused": unused, "cases": key}, indent=1), encoding="utf-8")
    print(json.dumps({"cases": len(found), "answers that could not be used": unused}))
    return 0 if found else 1


def collect(pictures: Sequence[str], questions: Sequence[str], most: int, settings: Settings) -> tuple[list[Case], int]:
    """Cases of pictures, until there are enough; and how many answers of the model could not be used."""
    found: list[Case] = []
    unused = 0
    with Analyst(settings) as analyst:
        for picture in pictures:
            if len(found) >= most:
                break
            mine, dropped = cases_of(analyst.analyze(picture, questions=questions, explain=MODEL))
            found, unused = [*found, *mine], unused + dropped
    return found[:most], unused


if __name__ == "__main__":
    sys.exit(main())
