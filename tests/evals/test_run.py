"""Runs from end to end on sets made on the spot."""

import json
import math
import shutil
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from inspect_ai.log import read_eval_log
from rich.console import Console
from typer.testing import CliRunner

from evals import cli, regression_gate
from evals.compare import compare
from evals.data import Skip
from evals.records import Records, load
from evals.report import write
from evals.result import read
from evals.run import RunConfig, choose, limited, run
from evals.synthetic_data import portrait, write_labels
from evals.tasks import TASKS
from faceagent.errors import InputError

KEYS = {"task", "tool", "profile", "dataset", "metrics", "baselines", "seed", "versions"}


def loaded(folder):
    """Header, cases and answers of a run."""
    header, rows = load(folder)
    cases, answers = zip(*rows, strict=True)
    return header, list(cases), list(answers)


@pytest.fixture(scope="module")
def spoof_run(spoof_set, settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return run(RunConfig("spoof", spoof_set, settings, out=folder, rounds=50)), folder


def test_result_has_the_agreed_shape(spoof_run, spoof_set):
    outcome, folder = spoof_run
    written = json.loads((folder / "result.json").read_text())
    assert set(written) == KEYS and set(written["dataset"]) == {"path", "sha256", "n", "skipped"}
    assert written["dataset"]["n"] == 11 and written["dataset"]["skipped"] == 0
    assert {"auc", "eer", "apcer_max", "bpcer", "acer"} <= set(written["metrics"])
    assert {"file_size_auc", "resolution_auc", "sharpness_auc", "radial_spectrum_auc"} <= set(written["baselines"])
    for one in (*written["metrics"].values(), *written["baselines"].values()):
        assert set(one) == {"value", "low", "high"}
        assert one["low"] is None or one["low"] <= one["high"]
    assert read(folder) == outcome.result


def test_log_holds_seed_hash_and_every_figure(spoof_run):
    outcome, _ = spoof_run
    log = read_eval_log(str(outcome.log))
    assert log.eval.metadata["sha256"] == outcome.result.dataset.sha256 and log.eval.metadata["seed"] == 0
    figures = log.results.scores[0].metrics
    for name, one in outcome.result.metrics.items():
        if one.value is not None:
            assert figures[name].value == pytest.approx(one.value, abs=1e-6)
    records = [json.loads(line) for sample in log.samples for line in sample.output.completion.splitlines()]
    assert len(records) == 11 and all({"id", "truth", "values"} == set(record) for record in records)
    assert log.samples[0].scores["spoof"].answer == "11 of 11 scored"


def test_a_run_is_resumed_and_repeats_to_the_digit(spoof_run, spoof_set, settings, tmp_path, monkeypatch):
    outcome, folder = spoof_run
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    lines = (copy / "records.jsonl").read_text().splitlines()
    (copy / "records.jsonl").write_text("\n".join(lines[:6]) + '\n{"id": "cut in the mid')
    seen = []
    task = TASKS.get("spoof")
    observe = task.observe
    monkeypatch.setitem(task.__dict__, "observe", lambda runner, cases: seen.extend(cases) or observe(runner, cases))
    again = run(RunConfig("spoof", spoof_set, settings, out=copy, rounds=50))
    assert len(seen) == 11 - 5
    assert again.result == outcome.result


@pytest.mark.parametrize("logs", [[], [SimpleNamespace(status="cancelled")]])
def test_an_interrupted_run_is_no_result(logs, spoof_set, settings, tmp_path, monkeypatch):
    # What inspect leaves after Ctrl-C: no log where a part of the run was done, else one that says so.
    monkeypatch.setattr("inspect_ai.eval", lambda *given, **named: logs)
    with pytest.raises(KeyboardInterrupt):
        run(RunConfig("spoof", spoof_set, settings, out=tmp_path, rounds=50))
    assert not (tmp_path / "result.json").exists()


def test_permuted_rows_give_the_same_result(spoof_run, spoof_set, settings, tmp_path):
    outcome, _ = spoof_run
    other = tmp_path / "other"
    shutil.copytree(spoof_set, other)
    lines = (other / "labels.csv").read_text().splitlines()
    (other / "labels.csv").write_text("\n".join([lines[0], *lines[:0:-1]]))
    found = run(RunConfig("spoof", other, settings, out=tmp_path / "run", rounds=50)).result
    assert found.metrics == outcome.result.metrics and found.baselines == outcome.result.baselines
    assert found.dataset.sha256 == outcome.result.dataset.sha256


def test_a_messy_set_runs_and_counts_what_was_left_out(messy_set, settings, tmp_path):
    outcome = run(RunConfig("spoof", messy_set, settings, out=tmp_path / "run", rounds=20))
    assert outcome.result.dataset.n == 3
    reasons = sorted(skip.reason for skip in outcome.skips)
    assert outcome.result.dataset.skipped == len(reasons) == 13
    assert {"missing_label", "unknown_label", "no_face", "missing_file", "duplicate_row", "contradicting_rows",
            "outside", "no_file", "corrupt_picture", "empty_file", "unsupported_format"} == set(reasons)  # fmt: skip
    assert any("13 left out" in note for note in outcome.notes)
    assert "Columns that spoof does not read: mood." in outcome.notes
    assert any("Pictures are looked for below" in note and "--pictures" in note for note in outcome.notes)


def test_one_class_leaves_ranking_undefined_and_the_rest_stands(tmp_path, settings):
    folder = tmp_path / "live"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(folder / name), np.ascontiguousarray(portrait()[..., ::-1]))
    write_labels(folder, [{"file": name, "label": "live"} for name in ("a.png", "b.png")])
    outcome = run(RunConfig("spoof", folder, settings, out=tmp_path / "run", rounds=20))
    metrics = outcome.result.metrics
    assert metrics["auc"].value is None and metrics["apcer_max"].value is None
    assert metrics["bpcer"].value is not None
    assert any("Only one class is labelled (bona_fide)" in note for note in outcome.notes)


def test_an_untrained_tool_says_so(spoof_set, settings, tmp_path, monkeypatch):
    from faceagent.tools.morph import Morph

    spec = Morph.spec.model_copy(update={"pending": "The detector is not part of this release."})
    monkeypatch.setattr(Morph, "spec", spec)
    folder = tmp_path / "set"
    shutil.copytree(spoof_set, folder)
    text = (folder / "labels.csv").read_text().replace("live", "real").replace(",print", ",fake")
    (folder / "labels.csv").write_text(text)
    outcome = run(RunConfig("morph", folder, settings, out=tmp_path / "run", rounds=20))
    assert outcome.result.dataset.n == 0 and outcome.result.dataset.skipped == 11
    assert all(one.value is None for one in outcome.result.metrics.values())
    assert outcome.result.baselines["sharpness_auc"].value is not None
    assert any("Nothing could be scored" in note and "not part of this release" in note for note in outcome.notes)


def test_what_cannot_be_run_is_refused_with_a_remedy(spoof_set, settings, tmp_path):
    for config, message in (
        (RunConfig("spof", spoof_set, settings), "Did you mean 'spoof'"),
        (RunConfig("expression", spoof_set, settings), "no case for expression: 11 unknown_label"),
        (RunConfig("landmarks", spoof_set, settings), "does not label 68 points"),
        (RunConfig("spoof", spoof_set, settings, tool="quality"), "It measures: spoof"),
        (RunConfig("identity", spoof_set, settings), "subject"),
        (RunConfig("attributes", spoof_set, settings), "neither age nor gender"),
        (RunConfig("localisation", spoof_set, settings), "left_eye"),
        (RunConfig("fairness", spoof_set, settings), "names no groups"),
        (RunConfig("spoof", tmp_path / "LFW", settings), "Download lfw.tgz"),
    ):
        with pytest.raises(Exception, match=message):
            run(config)


def test_limit_takes_whole_clusters_whatever_the_order(spoof_set, tmp_path, settings):
    from evals.data import Case

    cases = [Case(f"{number:02}", "f", {}, f"p{number // 4}") for number in range(40)]
    chosen = limited(cases, 12)
    assert chosen == limited(cases[::-1], 12)
    assert len({case.cluster for case in chosen}) == 3
    with pytest.raises(InputError):
        limited(cases, 0)


def test_tool_is_chosen_by_the_labels(spoof_set, tmp_path):
    from evals.data import open_dataset

    dataset = open_dataset(spoof_set, export=tmp_path)
    assert choose(TASKS.get("calibration"), dataset, None)[0] == "spoof"
    assert choose(TASKS.get("robustness"), dataset, None)[0] == "spoof"


def test_compare_is_paired(spoof_run, spoof_set, settings, tmp_path):
    _, folder = spoof_run
    header, cases, answers = loaded(folder)
    better = tmp_path / "better"
    perfect = [10.0 if case.truth["class"] == "attack" else -10.0 for case in cases]
    with Records(better, {**header, "sha256": "x"}) as records:
        records.add(cases, [{**answer, "score": value} for answer, value in zip(answers, perfect, strict=True)])
    same = compare(folder, folder, rounds=50)
    assert all(row.change == 0 and row.verdict == "no clear difference" for row in same.rows) and not same.notes
    found = compare(folder, better, rounds=200)
    auc = next(row for row in found.rows if row.metric == "auc")
    assert auc.second == 1.0 and auc.change >= 0
    assert any("not on the same selection" in note for note in found.notes)
    with pytest.raises(InputError, match="no records"):
        compare(folder, tmp_path / "nothing")


def test_compare_tests_silence_too(spoof_run, tmp_path):
    _, folder = spoof_run
    header, cases, answers = loaded(folder)
    silent = [
        Skip(case.id, "too_blurry", "") if case.truth["class"] == "attack" else answer
        for case, answer in zip(cases, answers, strict=True)
    ]
    with Records(tmp_path / "skip_reason", header) as records:
        records.add(cases, silent)
    found = compare(folder, tmp_path / "skip_reason", rounds=200)
    rows = {row.metric: row for row in found.rows}
    assert (rows["apnrr"].first, rows["apnrr"].second, rows["apnrr"].verdict) == (0.0, 1.0, "worse")
    assert rows["bpnrr"].change == 0 and rows["non_response"].change == pytest.approx(6 / 11)
    assert rows["non_response"].p < 0.05 and "auc" not in rows  # only one class was answered by both
    assert any("Of 11 cases presented to both, 5 were answered by both" in note for note in found.notes)


def test_runs_on_different_data_are_not_compared(spoof_run, spoof_set, tmp_path):
    _, folder = spoof_run
    header, cases, answers = loaded(folder)
    renamed = [case._replace(id=f"other {case.id}") for case in cases]
    relabelled = [case._replace(truth={**case.truth, "type": "mask"}) for case in cases]
    for name, rows in (("names", renamed), ("labels", relabelled)):
        with Records(tmp_path / name, {**header, "sha256": "x"}) as records:
            records.add(rows, answers)
        with pytest.raises(InputError, match="different data: they have no case with the same name and label"):
            compare(folder, tmp_path / name)
    shutil.copytree(spoof_set, tmp_path / "copy")
    with Records(tmp_path / "copied", {**header, "root": str(tmp_path / "copy")}) as records:
        records.add(cases, answers)
    assert all(row.change == 0 for row in compare(folder, tmp_path / "copied", rounds=20).rows)
    (tmp_path / "copy" / cases[3].file).write_bytes((tmp_path / "copy" / cases[4].file).read_bytes())
    with pytest.raises(InputError, match=f"1 of 11 common names stand for another picture, {cases[3].file}"):
        compare(folder, tmp_path / "copied")
    with Records(tmp_path / "task", {**header, "task": "forgery"}) as records:
        records.add(cases, answers)
    with pytest.raises(InputError, match="is a run of spoof"):
        compare(folder, tmp_path / "task")


def test_report_is_one_safe_page(spoof_run, spoof_set, settings, tmp_path):
    _, folder = spoof_run
    header, cases, answers = loaded(folder)
    hostile = tmp_path / "runs" / "hostile"
    with Records(hostile, header) as records:
        named = [case._replace(id=f"<script>alert(1)</script>{case.id}") for case in cases]
        records.add(named, [{**answer, "probability": 1.0 - answer["probability"]} for answer in answers])
    shutil.copy(folder / "result.json", hostile / "result.json")
    shutil.copytree(folder, tmp_path / "runs" / "plain")
    page = write(tmp_path / "runs").read_text()
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "default-src 'none'" in page and "http" not in page.replace("http-equiv", "")
    assert page.count("<svg") >= 6 and "data:image/jpeg;base64," in page and "Worst failures" in page
    with pytest.raises(InputError, match="holds no run"):
        write(tmp_path / "empty")


def test_commands(spoof_set, tmp_path, monkeypatch, settings):
    monkeypatch.setenv("FACEAGENT_CACHE", str(settings.cache))
    monkeypatch.setattr(cli, "out", Console(width=200))
    runner = CliRunner()
    listed = runner.invoke(cli.app, ["list"])
    assert listed.exit_code == 0 and "explanation" in listed.output and "SYN-MAD-2022" in listed.output
    for name, word in (("lfw", "Download lfw.tgz"), ("FF++", "Fill in the form"), ("spoof", "share of attacks that")):
        told = runner.invoke(cli.app, ["list", name])
        assert told.exit_code == 0 and word in told.output
    assert isinstance(runner.invoke(cli.app, ["list", "nothing"]).exception, InputError)
    out, result = tmp_path / "out", tmp_path / "r" / "result.json"
    ran = runner.invoke(cli.app, ["run", "spoof", "--data", str(spoof_set), "--limit", "4", "--rounds", "20",
                                  "--json", str(result), "--out", str(out)])  # fmt: skip
    assert ran.exit_code == 0, ran.output
    assert set(json.loads(result.read_text())) == KEYS
    assert runner.invoke(cli.app, ["compare", str(out), str(out), "--rounds", "20"]).exit_code == 0
    assert runner.invoke(cli.app, ["report", str(out)]).exit_code == 0 and (out / "report.html").is_file()
    leaks = runner.invoke(cli.app, ["leaks", "--train", str(spoof_set), "--test", str(spoof_set)])
    assert leaks.exit_code == 1 and "near-duplicates" in leaks.output


@pytest.mark.parametrize("suite", sorted(regression_gate.SUITES))
def test_regression_gate(suite, settings):
    assert [str(left) for left in regression_gate.check(settings, [suite])] == []


def test_gate_holds_runs_of_large_sets_too(spoof_run, tmp_path, monkeypatch):
    _, folder = spoof_run
    shutil.copytree(folder, tmp_path / "spoof-somewhere")
    known = regression_gate.accepted(tmp_path)
    assert "auc" in known["spoof-somewhere"] and not any(name.startswith("ms_") for name in known["spoof-somewhere"])
    monkeypatch.setattr(
        regression_gate, "intervals", lambda kind="suites": {"spoof-somewhere": {"auc": (2.0, 3.0)}, "gone": {}}
    )
    assert [left.metric for left in regression_gate.check_runs(tmp_path)] == ["auc"]
    monkeypatch.setattr(regression_gate, "demanded", lambda: {"spoof-somewhere": {"auc": (2.0, math.inf)}})
    assert str(regression_gate.check_runs(tmp_path)[1]).endswith("needed ≥ 2")


def test_gate_fails_when_a_figure_leaves_its_interval(spoof_run):
    outcome, _ = spoof_run
    value = outcome.result.metrics["auc"].value
    assert list(regression_gate.leaving("spoof", outcome.result, {"auc": (value - 0.01, value + 0.01)})) == []
    [left] = regression_gate.leaving("spoof", outcome.result, {"auc": (value + 0.01, 2.0)})
    assert left.value == value and "outside" in str(left)
    assert len(list(regression_gate.leaving("spoof", outcome.result, {"gone": (0.0, 1.0)}))) == 1
