"""``python -m evals.results --data DIR``: every shipped tool on every set it may be measured on, as docs/results.md.

A planned run is carried out when it has no result yet, or when the tool or its weights have another version by now;
what was interrupted goes on where it stopped. ``--fresh`` measures all anew, ``--only`` some tasks, and without a data
folder the page is only written. Sets that shipped weights were fitted on are measured on their test side only.
"""

import argparse
import os
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from evals import frll_morphs
from evals.bench import ROOMS
from evals.data import typed
from evals.result import NAME, Measured, Result, read, versions
from evals.run import Order, run
from evals.tasks import TASKS
from faceagent.agent.analyst import build_tools
from faceagent.errors import FaceagentError
from faceagent.settings import Settings, load

PAGE = Path("docs/results.md")
SHOWN = 8
"""Metrics per run in the overview; all stand in the run's own result."""
ALSO = {
    "fairness": ("gap_",),
    "robustness": ("auc.jpeg_30", "auc.resize_4", "auc.blur_2", "auc.noise_15", "auc.screenshot"),
    "agent": ("tool_selection.",),
    "morph": ("d_eer.",),
    "forgery": ("auc_way.", "auc.", "apnrr", "bpnrr"),
}
"""Beginnings of further metrics worth a place in the overview, by task."""
QUERIES = "labelled queries"


class Plan(NamedTuple):
    """One planned run; ``note`` is what a reader must know about the set."""

    task: str
    data: str
    tool: str | None = None
    split: str | None = None
    limit: int | None = None
    note: str = ""

    @property
    def name(self) -> str:
        """Folder of the run."""
        parts = (self.task, self.tool or "", self.data, self.split or "", str(self.limit or ""))
        return "-".join(part for part in parts if part).replace(" ", "_")

    @property
    def shown(self) -> str:
        """The set, with the part of it that was taken."""
        part = ", ".join(
            word for word in (self.split and f"split {self.split}", self.limit and f"{self.limit} cases") if word
        )
        return f"{self.data} ({part})" if part else self.data


NOT_BLIND = "not blind: earlier models were measured on it"
PLANS = (
    Plan("forgery", "ciplab_real_fake_160", note=f"Photoshop composites, no trivial cue is known; {NOT_BLIND}"),
    Plan("forgery", "stylegan2_vs_unsplash", limit=600,
         note=f"fakes and reals come from different places, see the cues; {NOT_BLIND}"),
    Plan("forgery", "flux_lora_politicians", note=f"two people; reals and fakes from different places; {NOT_BLIND}"),
    Plan("localisation", "ciplab_real_fake_160",
         note=f"the set's left eye is the viewer's left: read pointing_viewers_sides; {NOT_BLIND}"),
    Plan("morph", frll_morphs.NAME, "morph",
         note="morphs of the 36 people of FRLL that no fit has seen; unsharp and Poisson were kept from training"),
    Plan("morph", frll_morphs.NAME, "morph_differential",
         note="the trusted picture is of the same sitting, which is easier than the field"),
    Plan("spoof", "celeba_spoof_600", note="sharpness alone goes far here: see the cue"),
    Plan("expression", "ckplus48", note="posed, 48 px, people drawn together"),
    Plan("expression", "fer2013_test7", limit=1000,
         note="re-split by its uploader, disgust augmented: not the published FER2013"),
    Plan("expression", "frll_london", split="test", note="the expression was asked for; people not fitted on"),
    Plan("action_units", "frll_london", split="test", note="AU12 from the instruction to smile, people not fitted on"),
    Plan("attributes", "utkface_1k"),
    Plan("attributes", "fairface_val_1400", note="age in bands, error to their middle"),
    Plan("landmarks", "youtube_faces_68lm_300", note="labels are themselves from a tracker, in whole pixels"),
    Plan("pose", "fairface_val_1400", limit=200, note="no angles are labelled: mirror test"),
    Plan("identity", "frll_london",
         note="one sitting per person: saturated; only the shipped threshold was fitted here"),
    Plan("identity", "frll_london", split="test", note="people that no line was fitted on"),
    Plan("quality", "youtube_faces_68lm_300"),
    Plan("quality", "utkface_1k", limit=500),
    Plan("calibration", "celeba_spoof_600"),
    Plan("calibration", "ckplus48"),
    Plan("calibration", "ciplab_real_fake_160", "forgery", limit=400, note=NOT_BLIND),
    Plan("calibration", frll_morphs.NAME, "morph"),
    Plan("robustness", "celeba_spoof_600", limit=60),
    Plan("robustness", "ciplab_real_fake_160", "forgery", limit=60, note=NOT_BLIND),
    Plan("robustness", "utkface_1k", limit=60),
    Plan("fairness", "fairface_val_1400", "attributes"),
    Plan("fairness", "fairface_val_1400", "forgery", limit=500, note=f"false alarms; {NOT_BLIND}"),
    Plan("fairness", "fairface_val_1400", "morph", limit=300, note="false alarms"),
    Plan("fairness", "fairface_val_1400", "spoof", limit=500, note="false alarms"),
    Plan("agent", QUERIES,
         note="the newest paraphrases, written with the grammar frozen, learnt from since: 92.4 % exact at first"),
    Plan("agent", "fairface_val_1400", limit=30, note="recovery from a failing tool"),
    Plan("explanation", "fairface_val_1400", limit=60, note="the deterministic explanations"),
    Plan("explanation", "ciplab_real_fake_160", limit=60, note="the deterministic explanations"),
)  # fmt: skip


def perform(plans: Sequence[Plan], data: Path, runs: Path, console: Console, *, fresh: bool = False) -> None:
    """Carry out the runs that are missing or of another tool; a set that is not there is named and passed over."""
    settings = load()
    for plan in plans:
        folder = runs / plan.name
        if not fresh and current(folder, settings):
            continue
        started = time.monotonic()
        try:
            order = Order(plan.task, _where(plan.data, data, runs, settings), settings, plan.tool, plan.split,
                          plan.limit, folder, fresh=fresh)  # fmt: skip
            outcome = run(order)
        except FaceagentError as error:
            console.print(f"{plan.name}: {error}")
            continue
        spent = time.monotonic() - started
        console.print(f"{plan.name}: n = {outcome.result.dataset.n}, {spent:.0f} s. {' '.join(outcome.notes)}")


def _where(name: str, data: Path, runs: Path, settings: Settings) -> Path:
    if name == frll_morphs.NAME:
        return frll_morphs.make(data, runs / "made" / name, settings)
    if name == QUERIES:
        return typed.latest()
    return data / name


def current(folder: Path, settings: Settings) -> bool:
    """Whether a folder holds the result of the tool as it is now."""
    if not (folder / NAME).is_file():
        return False
    result = read(folder)
    tools = build_tools(settings)
    if result.tool not in tools:
        return result.tool in ROOMS and result.versions["faceagent"] == versions(None)["faceagent"]
    now = versions(tools[result.tool])
    return result.profile == settings.profile and {
        name: text for name, text in result.versions.items() if name.startswith(("tool", "weights"))
    } == {name: text for name, text in now.items() if name.startswith(("tool", "weights"))}


def page(plans: Sequence[Plan], runs: Path) -> str:
    """The whole document."""
    TASKS.freeze()
    done = [(plan, read(runs / plan.name)) for plan in plans if (runs / plan.name / NAME).is_file()]
    return "\n".join(
        [
            "# Results",
            "",
            "Generated by `make results DATA=folder`; do not edit. Every figure has its 95 % bootstrap interval, over",
            "whole people or videos where a set names them. Beside detectors stand trivial cues: what file size,",
            "resolution, sharpness or a logistic regression over the radial spectrum reach on the same pictures. Where",
            "a number of cases is given, that many were drawn, always the same ones. No set was trained on; of those",
            "with `split test` the other side was.",
            "",
            *_versions(result for _, result in done),
            "## Measured here",
            "",
            "| task | tool | set | n | left out | figures | beside it |",
            "|---|---|---|---|---|---|---|",
            *(_row(plan, result) for plan, result in done),
            "",
            *_notes(done),
            "## Published by others",
            "",
            "These figures are other people's, on other sets or by other protocols. They are no comparison.",
            "",
            "| task | system | set | figure | how the protocol differs |",
            "|---|---|---|---|---|",
            *_published(),
            "",
        ]
    )


def _row(plan: Plan, result: Result) -> str:
    further = ALSO.get(result.task, ())
    plain = [name for name in result.metrics if "." not in name and not name.startswith("gap_")][:SHOWN]
    shown = [*plain, *(name for name in result.metrics if name.startswith(further) and name not in plain)]
    told = "<br>".join(_figure(name, result.metrics[name]) for name in shown)
    beside = "<br>".join(_figure(name, one) for name, one in result.baselines.items())
    counts = f"{result.dataset.n} | {result.dataset.skipped}"
    figures = "not scored" if result.dataset.n == 0 else told
    return f"| {result.task.replace('_', ' ')} | {result.tool} | {plan.shown} | {counts} | {figures} | {beside} |"


def _figure(name: str, one: Measured) -> str:
    if one.value is None:
        return f"{name} undefined"
    span = "" if one.low is None or one.high is None else f" [{_short(one.low)}, {_short(one.high)}]"
    return f"{name} **{_short(one.value)}**{span}"


def _short(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def _versions(results: Iterable[Result]) -> Iterator[str]:
    spoken: dict[str, str] = {}
    for result in results:
        spoken |= {name: text for name, text in result.versions.items() if not name.startswith("weights")}
    if spoken:
        yield "Versions: " + ", ".join(f"{name} {version}" for name, version in sorted(spoken.items())) + "."
        yield ""


def _notes(done: Sequence[tuple[Plan, Result]]) -> Iterator[str]:
    notes = [
        f"- {plan.task.replace('_', ' ')}, {result.tool}, on {plan.shown}: {plan.note}."
        for plan, result in done
        if plan.note
    ]
    if any(result.dataset.n == 0 for _, result in done):
        notes.append(
            "- Not scored: the tool is listed but not trained in this release; its cues are measured all the same."
        )
    if notes:
        yield from (*notes, "")


def _published() -> Iterator[str]:
    text = resources.files("evals").joinpath("published.toml").read_text(encoding="utf-8")
    for one in tomllib.loads(text)["figure"]:
        yield (
            "| "
            + " | ".join(one[key] for key in ("task", "system", "set", "figure", "differs")).replace("_", " ")
            + " |"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(prog="python -m evals.results", description=__doc__)
    folder = os.environ.get("FACEAGENT_DATA")
    parser.add_argument(
        "--data", type=Path, default=folder and Path(folder), help="folder of the sets; default: $FACEAGENT_DATA"
    )
    parser.add_argument("--runs", type=Path, help="folder for the runs; default: results in the cache")
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--only", nargs="*", default=[], metavar="TASK", help="measure these tasks only")
    parser.add_argument("--fresh", action="store_true", help="measure again what is there")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    runs = options.runs or load().cache / "results"
    if options.data is not None:
        chosen = [plan for plan in PLANS if not options.only or plan.task in options.only]
        perform(chosen, options.data, runs, console, fresh=options.fresh)
    options.page.parent.mkdir(parents=True, exist_ok=True)
    options.page.write_text(page(PLANS, runs), encoding="utf-8")
    console.print(f"Written: {options.page}")


if __name__ == "__main__":
    main()
