"""``python -m evals.results --data DIR``: every shipped tool on every set it may be measured on, as docs/results.md.

A planned run is carried out when it has no result yet, or when the tool or its weights have another version by now;
what was interrupted goes on where it stopped. ``--fresh`` measures all anew, ``--only`` some tasks, and without a data
folder the page is only written. Sets that shipped weights were fitted on are measured on their test side only.
"""

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rich.console import Console

from evals import frll_morphs
from evals.bench import ROOMS
from evals.data import typed
from evals.data.queries import FIRST
from evals.report.markdown import Done, page
from evals.result import NAME, read, versions
from evals.run import Order, run
from faceagent.agent.runtime import build_tools
from faceagent.errors import FaceagentError
from faceagent.settings import Settings, load

PAGE = Path("docs/results.md")
QUERIES = "labelled queries"
HITS, OF = list(FIRST.values())[-1]
"""Exact plans of the newest set at its first run, and its queries."""


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
    def part(self) -> str:
        """The part of the set that was taken, in words; empty for all of it."""
        return ", ".join(
            word for word in (self.split and f"split {self.split}", self.limit and f"{self.limit} cases") if word
        )

    def capped(self, limit: int | None) -> "Plan":
        """The same on no more than ``limit`` cases."""
        return self if limit is None or (self.limit or limit + 1) <= limit else self._replace(limit=limit)


# Whole sets, but where every picture is looked at many times over: an hour on one core.
PLANS = (
    Plan("forgery", "ciplab_real_fake_160"),
    Plan("localisation", "ciplab_real_fake_160",
         note="the set's left eye is the viewer's left: read the line with the viewer's sides"),
    Plan("calibration", "ciplab_real_fake_160", "forgery"),
    Plan("robustness", "ciplab_real_fake_160", "forgery", limit=80),
    Plan("explanation", "ciplab_real_fake_160", limit=30, note="the deterministic explanations"),
    Plan("forgery", "stylegan2_vs_unsplash"),
    Plan("forgery", "flux_lora_politicians"),
    Plan("morph", frll_morphs.NAME, "morph"),
    Plan("morph", frll_morphs.NAME, "morph_differential"),
    Plan("calibration", frll_morphs.NAME, "morph"),
    Plan("spoof", "celeba_spoof_600"),
    Plan("calibration", "celeba_spoof_600"),
    Plan("robustness", "celeba_spoof_600", limit=80),
    Plan("expression", "ckplus48"),
    Plan("calibration", "ckplus48"),
    Plan("expression", "fer2013_test7"),
    Plan("expression", "frll_london", split="test"),
    Plan("action_units", "frll_london", split="test"),
    Plan("identity", "frll_london", note="saturated; the shipped threshold was fitted on half of these people"),
    Plan("identity", "frll_london", split="test", note="people whom no line was fitted on"),
    Plan("attributes", "utkface_1k"),
    Plan("quality", "utkface_1k", note="judged by errors of age"),
    Plan("robustness", "utkface_1k", limit=80),
    Plan("attributes", "fairface_val_1400"),
    Plan("fairness", "fairface_val_1400", "attributes"),
    Plan("fairness", "fairface_val_1400", "forgery", limit=700),
    Plan("fairness", "fairface_val_1400", "morph", limit=700),
    Plan("fairness", "fairface_val_1400", "spoof", limit=700),
    Plan("pose", "fairface_val_1400", limit=200, note="no angles are labelled, so only the mirror test is made"),
    Plan("agent", "fairface_val_1400", limit=30, note="recovery; the queries that go along are the shipped ones"),
    Plan("explanation", "fairface_val_1400", limit=30, note="the deterministic explanations"),
    Plan("landmarks", "youtube_faces_68lm_300"),
    Plan("quality", "youtube_faces_68lm_300", note="judged by errors of landmarks"),
    Plan("agent", QUERIES,
         note=f"{HITS / OF:.1%} of its plans were exact at the first run, before the rules learned from it"),
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


def finished(plans: Sequence[Plan], runs: Path, limit: int | None = None) -> Iterator[Done]:
    """The plans that have a result: the one that was planned, else one on fewer cases."""
    for plan in plans:
        there = [one for one in (plan, plan.capped(limit)) if (runs / one.name / NAME).is_file()]
        if there:
            yield Done(read(runs / there[0].name), runs / there[0].name, plan.data, there[0].part, plan.note)


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
    parser.add_argument("--limit", type=int, help="cases at most in every run, where the page has none of the whole")
    parser.add_argument("--fresh", action="store_true", help="measure again what is there")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    runs = options.runs or load().cache / "results"
    if options.data is not None:
        chosen = [plan.capped(options.limit) for plan in PLANS if not options.only or plan.task in options.only]
        perform(chosen, options.data, runs, console, fresh=options.fresh)
    options.page.parent.mkdir(parents=True, exist_ok=True)
    options.page.write_text(page(finished(PLANS, runs, options.limit)), encoding="utf-8")
    console.print(f"Written: {options.page}")


if __name__ == "__main__":
    main()
