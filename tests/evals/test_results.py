"""The page of results, and the words that explain it."""

import shutil
from pathlib import Path

import pytest

from evals import meanings, results
from evals.report.markdown import Done, page
from evals.result import read
from evals.run import Order, run
from evals.tasks import TASKS


@pytest.fixture(scope="module")
def done(spoof_set, settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page") / "run"
    run(Order("spoof", spoof_set, settings, out=folder, rounds=20))
    return Done(read(folder), folder, "celeba_spoof_600", "60 cases", "a note")


def test_page_says_what_the_set_is_and_what_figures_mean(done):
    text = page([done, done._replace(data="my_own_set", part="", note="")])
    assert text.startswith("# Results\n") and text.count("\n## ") == 4  # at a glance, two sets, others' figures
    assert "## CelebA-Spoof, a part\n\n`celeba_spoof_600`. 308 pictures" in text and "## my_own_set" in text
    [row] = [line for line in text.splitlines() if line.startswith("| **spoof**, spoof") and "60 cases" in line]
    assert "| 11 | 0 | 0 (0.0%) | AUC | **" in row and row.endswith("; .5 is guessing, 1 is perfect |")
    assert "| *radial spectrum* | **" in text and "- spoof, spoof, 60 cases: a note." in text
    assert "opencv" in text and "at a glance" in text.lower() and "MADation" in text
    for line in text.splitlines():  # a table of one width
        assert not line.startswith("| | | |") or line.count("|") == 8, line


def test_nothing_scored_is_said(done, tmp_path):
    shutil.copytree(done.folder, tmp_path / "run")
    nothing = done.result.model_copy(update={"dataset": done.result.dataset.model_copy(update={"n": 0})})
    text = page([done._replace(result=nothing, folder=tmp_path / "run")])
    assert "(nothing could be scored)" in text and "| AUC |" not in text


def test_figures_have_a_meaning():
    assert meanings.meaning("spoof", "apcer_max")[0] == "APCER"
    assert meanings.meaning("forgery", "auc.hard") == (
        "AUC, one kind (hard)", "as AUC, this kind of attack against all bona fide pictures",
    )  # fmt: skip
    assert meanings.meaning("identity", "auc")[1].startswith("chance that two pictures of one person")
    assert meanings.meaning("identity", "tar_at_far_1e-5")[0] == "TAR at a FAR (1e-5)"
    assert meanings.meaning("other", "accuracy_at_0.5")[0] == "accuracy at one half"
    assert meanings.meaning("other", "new_metric") == ("new metric", "")
    assert meanings.shown("forgery", ["eer", "auc.b", "auc", "auc.a"]) == ["auc", "auc.b", "auc.a"]
    assert meanings.shown("of a third party", ["x", "y"]) == ["x", "y"]
    TASKS.freeze()
    for name in TASKS:
        task = TASKS.get(name)
        assert meanings.of_task(name)
        for metric in task.names:
            assert meanings.meaning(name, metric)[1], (name, metric)


def test_plans_fit_tasks_and_sets():
    TASKS.freeze()
    names = [plan.name for plan in results.PLANS]
    assert len(names) == len(set(names)) and {plan.task for plan in results.PLANS} == set(TASKS)
    for plan in results.PLANS:
        assert plan.tool is None or plan.tool in TASKS.get(plan.task).tools
    assert list(results.finished(results.PLANS, Path("nowhere"))) == []


def test_a_run_on_fewer_cases_stands_in_until_the_whole_is_there(done, tmp_path):
    plan = results.Plan("spoof", "celeba_spoof_600")
    assert plan.capped(None) == plan and plan.capped(5).limit == 5
    assert plan._replace(limit=3).capped(5).limit == 3 and plan._replace(limit=9).capped(5).limit == 5
    shutil.copytree(done.folder, tmp_path / plan.capped(5).name)
    assert list(results.finished([plan], tmp_path)) == []
    assert [one.part for one in results.finished([plan], tmp_path, 5)] == ["5 cases"]
    shutil.copytree(done.folder, tmp_path / plan.name)
    assert [one.part for one in results.finished([plan], tmp_path, 5)] == [""]
