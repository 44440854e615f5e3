"""The plan, its summary and the pages that are made of it, and the words that explain figures."""

import shutil
from pathlib import Path

import pytest

from evals import metric_docs, results
from evals.plans import FigureRow, PlannedRun, plans
from evals.report import markdown, readme
from evals.report import summary as summaries
from evals.report.markdown import page
from evals.report.summary import FIRST_REFUSALS, FIRST_RUNS, FinishedRun, Summary, summarise
from evals.result import read
from evals.run import RunConfig, is_current, prepare, run
from evals.tasks import TASKS
from evals.thresholds import FigureThreshold, thresholds
from faceagent.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
PLAN = PlannedRun(task="spoof", set="celeba_spoof_600", note="a note")


@pytest.fixture(scope="module")
def done(spoof_set, settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page") / "run"
    run(RunConfig("spoof", spoof_set, settings, out=folder, rounds=20))
    return FinishedRun(PLAN, read(folder), folder, "60 cases")


def test_page_says_what_the_set_is_and_what_figures_mean(done):
    other = PlannedRun(task="spoof", set="my_own_set")
    text = page(summarise([done, done._replace(plan=other, part="")]))
    # At a glance, two sets, the recorded first runs, others' figures.
    assert text.startswith("# Results\n") and text.count("\n## ") == 5
    assert "## CelebA-Spoof, a part\n\n`celeba_spoof_600`. 308 pictures" in text and "## my_own_set" in text
    [row] = [line for line in text.splitlines() if line.startswith("| **spoof**, spoof") and "60 cases" in line]
    assert "| 11 | 0 | 0 (0.0%) | AUC | **" in row and row.endswith("; .5 is guessing, 1 is perfect |")
    assert "(≥ 0.95, target 0.97" in row
    assert "| *radial spectrum* | **" in text and "- spoof, spoof, 60 cases: a note." in text
    assert "opencv" in text and "at a glance" in text.lower() and "MADation" in text
    for line in text.splitlines():  # a table of one width
        assert not line.startswith("| | | |") or line.count("|") == 8, line


def test_nothing_scored_is_said(done, tmp_path):
    shutil.copytree(done.folder, tmp_path / "run")
    nothing = done.result.model_copy(update={"dataset": done.result.dataset.model_copy(update={"n": 0})})
    text = page(summarise([done._replace(result=nothing, folder=tmp_path / "run")]))
    assert "(nothing could be scored)" in text and "| AUC |" not in text


def test_figures_have_a_meaning():
    assert metric_docs.meaning("spoof", "apcer_max")[0] == "APCER"
    assert metric_docs.meaning("forgery", "auc.hard") == (
        "AUC, one kind (hard)",
        "as AUC, this kind of attack against all bona fide pictures",
    )
    assert metric_docs.meaning("identity", "auc")[1].startswith("chance that two pictures of one person")
    assert metric_docs.meaning("identity", "tar_at_far_1e-5")[0] == "TAR at a FAR (1e-5)"
    assert metric_docs.meaning("other", "accuracy_at_0.5")[0] == "accuracy at one half"
    assert metric_docs.meaning("other", "new_metric") == ("new metric", "")
    assert metric_docs.listed("forgery", ["eer", "auc.b", "auc", "auc.a"]) == ["auc", "auc.b", "auc.a"]
    assert metric_docs.listed("of a third party", ["x", "y"]) == ["x", "y"]
    TASKS.freeze()
    for name in TASKS:
        task = TASKS.get(name)
        assert metric_docs.of_task(name)
        for metric in task.names:
            assert metric_docs.meaning(name, metric)[1], (name, metric)


def test_plans_fit_tasks_and_sets():
    TASKS.freeze()
    names = [plan.name for plan in plans().run]
    assert len(names) == len(set(names)) and {plan.task for plan in plans().run} == set(TASKS)
    for plan in plans().run:
        assert plan.tool is None or plan.tool in TASKS.get(plan.task).tools
        assert plan.data in markdown._sets() or plan.data.startswith("queries/"), plan.data
    assert list(results.finished(plans().run, Path("nowhere"))) == []


def test_thresholds_and_rows_name_planned_runs():
    names = {plan.name for plan in plans().run} | {FIRST_RUNS, FIRST_REFUSALS}
    assert set(thresholds()) <= names
    for row in plans().row:
        for reference in (*row.values, *(one for _, one in row.beside)):
            run_name, _, metric = reference.partition(":")
            assert run_name in names and metric, reference


def test_a_run_on_fewer_cases_stands_in_until_the_whole_is_there(done, tmp_path):
    plan = PlannedRun(task="spoof", set="celeba_spoof_600")
    assert plan.capped(None) == plan and plan.capped(5).limit == 5
    assert plan.model_copy(update={"limit": 3}).capped(5).limit == 3
    assert plan.model_copy(update={"limit": 9}).capped(5).limit == 5
    shutil.copytree(done.folder, tmp_path / plan.capped(5).name)
    assert list(results.finished([plan], tmp_path)) == []
    assert [one.part for one in results.finished([plan], tmp_path, 5)] == ["5 cases"]
    shutil.copytree(done.folder, tmp_path / plan.name)
    assert [one.part for one in results.finished([plan], tmp_path, 5)] == [""]


def test_a_run_is_current_until_its_labels_or_protocol_change(spoof_set, settings, tmp_path, monkeypatch):
    data = tmp_path / "set"
    shutil.copytree(spoof_set, data)
    config = RunConfig("spoof", data, settings, out=tmp_path / "run", rounds=20, key="protocol")
    assert not is_current(prepare(config))
    run(config)
    assert is_current(prepare(config))
    task = TASKS.get("spoof")
    monkeypatch.setitem(task.__dict__, "version", task.version + 1)
    assert not is_current(prepare(config))
    monkeypatch.undo()
    text = (data / "labels.csv").read_text()
    (data / "labels.csv").write_text(text.replace(",print", ",replay", 1))
    assert not is_current(prepare(config))


def test_another_program_scores_again_without_observing(spoof_set, settings, tmp_path, monkeypatch):
    config = RunConfig("spoof", spoof_set, settings, out=tmp_path / "run", rounds=20, key="protocol")
    first = run(config).result
    monkeypatch.setattr("evals.run.fingerprint", lambda: "another program")
    assert not is_current(prepare(config))
    task = TASKS.get("spoof")
    monkeypatch.setitem(task.__dict__, "observe", lambda runner, cases: pytest.fail("a case was observed again"))
    assert run(config).result == first and is_current(prepare(config))


def test_only_rows_that_say_so_are_measured(spoof_set, settings, tmp_path):
    chosen = prepare(RunConfig("spoof", spoof_set, settings, out=tmp_path, where=("label", "live"))).chosen
    assert len(chosen.cases) == 5 and {case.truth["class"] for case in chosen.cases} == {"bona_fide"}
    with pytest.raises(InputError, match="no row whose label is 'nothing'"):
        prepare(RunConfig("spoof", spoof_set, settings, out=tmp_path, where=("label", "nothing")))


def test_thresholds_have_one_side():
    assert FigureThreshold(min=0.5).met(0.5) and not FigureThreshold(min=0.5).met(0.4)
    assert (
        FigureThreshold(max=0.1).met(0.0)
        and not FigureThreshold(max=0.1).met(0.2)
        and FigureThreshold(max=0.0).met(0.0)
    )
    for sides in ({}, {"min": 0.1, "max": 0.2}):
        with pytest.raises(ValueError, match="either a min or a max"):
            FigureThreshold(**sides)


def test_readme_rows_are_made_of_measured_figures_only(done, monkeypatch):
    name = PLAN.name
    rows = (
        FigureRow(set="a set", figure="AUC", values=(f"{name}:auc",), beside=(("sharpness", f"{name}:sharpness_auc"),)),
        FigureRow(set="another", figure="AUC", values=(f"{name}:auc", "not-measured:auc")),
    )
    monkeypatch.setattr(readme, "plans", lambda: plans().model_copy(update={"row": rows}))
    found = summarise([done])
    lines = readme.table(found).splitlines()
    assert len(lines) == 3 and lines[2].startswith("| a set | AUC | 11 | **")
    assert "≥ .95" in lines[2] and "sharpness " in lines[2]
    assert found.figure(f"{name}:auc") is not None and found.figure("not-measured:auc") is None
    assert [readme.number(value) for value in (0.12345, 1.0, 0.0, -0.5, 12.34)] == [
        ".123",
        "1.000",
        "0",
        "-.500",
        "12.3",
    ]
    assert readme.number(6.494, " years") == "6.49"


def test_misses_are_listed(done, monkeypatch):
    monkeypatch.setattr(summaries, "thresholds", lambda: {PLAN.name: {"auc": FigureThreshold(min=2.0)}, "gone": {}})
    [miss] = summaries.misses(summarise([done]))
    assert miss.metric == "auc" and "needed ≥ 2" in str(miss)


def test_summary_is_read_as_it_was_written(done, tmp_path):
    found = summarise([done])
    results.write(found, tmp_path, None)
    assert summaries.read(tmp_path / results.JSON) == found
    with pytest.raises(InputError, match="holds no results"):
        summaries.read(tmp_path / results.PAGE)


@pytest.fixture(scope="module")
def shipped() -> Summary:
    return summaries.read(ROOT / "docs" / results.JSON)


def test_runs_that_were_not_measured_again_keep_their_figures(done):
    first = summarise([done])
    [run] = [one for one in first.runs if one.name == done.plan.name]
    other, now = run.model_copy(update={"name": "other"}), run.model_copy(update={"n": run.n + 1})
    gone = run.model_copy(update={"name": "no longer planned"})
    before = first.model_copy(update={"versions": {"tool a": "1", "tool b": "1"}, "runs": (run, other, gone)})
    after = first.model_copy(update={"versions": {"tool a": "2"}, "runs": (now, *summaries.first_runs())})
    found = summaries.renewed(before, after, ["other", run.name])
    assert found.runs == (other, now, *summaries.first_runs())
    assert found.versions == {"tool a": "2", "tool b": "1"}


def test_results_page_is_that_of_the_shipped_results(shipped):
    assert (ROOT / "docs" / results.PAGE).read_text(encoding="utf-8") == markdown.page(shipped)


def test_readme_shows_the_shipped_results(shipped):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.with_figures(text, shipped) == text
    assert len(readme.table(shipped).splitlines()) > 5
