"""The straight line with real weights: one photograph, many bad ones, references, policy, and no network."""

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import faceagent
from faceagent import Analyst, InputError, Picture, PolicyRefusal, Report, Settings
from faceagent.faces import FoundFaces

Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def analyst() -> Iterator[Analyst]:
    with Analyst(Settings(workers=2, batch=4)) as warm:
        yield warm


@pytest.fixture(scope="module")
def report(analyst: Analyst, astronaut: Pixels) -> Report:
    return analyst.analyze(astronaut)


def jpeg(pixels: Pixels, quality: int = 90) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def verdicts(report: Report) -> dict[tuple[str, str], str]:
    return {(verdict.subject, verdict.question): verdict.label for verdict in report.verdicts}


def test_a_smiling_face_is_found_and_read(report: Report) -> None:
    assert [face.id for face in report.faces] == ["F1"]
    assert verdicts(report)["F1", "expression"] == "happy"
    assert "AU12" in verdicts(report)["F1", "action_units"]
    assert verdicts(report)["F1", "quality"] == "usable"


def test_every_default_question_has_one_verdict_and_one_explanation(report: Report) -> None:
    asked = {"expression", "action_units", "forgery", "morph", "spoof", "quality"}
    assert set(verdicts(report)) == {("F1", question) for question in asked} | {("P1", "provenance")}
    assert {(one.subject, one.question) for one in report.explanations} == set(verdicts(report))


def test_everything_cited_was_recorded_and_nothing_was_struck(report: Report) -> None:
    known = {item.id for item in report.evidence} | {verdict.id for verdict in report.verdicts}
    assert len({item.id for item in report.evidence}) == len(report.evidence)
    for explanation in report.explanations:
        assert explanation.struck == ()
        assert explanation.steps
        assert all(set(step.cites) <= known for step in explanation.steps)
    for verdict in report.verdicts:
        assert {*verdict.supports, *verdict.contradicts} <= known


def test_the_report_survives_json_and_names_what_it_used(report: Report) -> None:
    again = Report.model_validate_json(report.model_dump_json())
    assert again == report
    assert {"yunet", "face_landmarker"} <= {stamp.id for stamp in report.manifest.weights}
    assert all(len(stamp.sha256) == 64 for stamp in report.manifest.weights)
    assert report.manifest.timings_ms


def numbers(value: object) -> Iterator[float]:
    """Every number in a nested value, in order."""
    if isinstance(value, int | float):
        yield float(value)
    elif isinstance(value, Mapping):
        yield from (number for part in value.values() for number in numbers(part))
    elif isinstance(value, list | tuple):
        yield from (number for part in value for number in numbers(part))


def test_the_same_picture_gives_the_same_answer_alone_and_in_a_crowd(analyst: Analyst, astronaut: Pixels) -> None:
    pictures = [jpeg(astronaut), jpeg(astronaut[:, ::-1].copy()), jpeg(astronaut)]
    batch = list(analyst.analyze_many(pictures))
    singles = [analyst.analyze(picture) for picture in pictures]
    for one, other in zip([*batch, batch[0]], [*singles, batch[2]], strict=True):
        assert one.faces == other.faces
        assert [item.id for item in one.evidence] == [item.id for item in other.evidence]
        # Matrix products of another batch size differ in their last bits, and with them what is read off a network.
        for item, same in zip((*one.evidence, *one.verdicts), (*other.evidence, *other.verdicts), strict=True):
            assert item.label == same.label and item.status == same.status
            assert list(numbers(item.model_dump())) == pytest.approx(list(numbers(same.model_dump())), abs=2e-3)


def test_bad_pictures_are_results_while_the_others_finish(analyst: Analyst, astronaut: Pixels, tmp_path: Path) -> None:
    good = tmp_path / "good.jpg"
    good.write_bytes(jpeg(astronaut))
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("no picture", encoding="utf-8")
    (tmp_path / "cut.jpg").write_bytes(jpeg(astronaut)[:5000])
    paths = [tmp_path / name for name in ("empty.png", "good.jpg", "text.jpg", "missing.jpg", "cut.jpg", "good.jpg")]
    reports = list(analyst.analyze_many(paths))
    assert [one.problem.reason if one.problem else None for one in reports] == [
        "empty_file",
        None,
        "unsupported_format",
        "missing_file",
        "corrupt_picture",
        None,
    ]
    assert reports[1].verdicts == reports[5].verdicts


def test_a_crash_of_the_face_finder_costs_one_picture(
    analyst: Analyst, astronaut: Pixels, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from faceagent.agent import pipeline

    find = pipeline.faces.search_faces

    def poisoned(picture: Picture, pixels: Pixels, settings: Settings, *, limit: int) -> FoundFaces:
        if picture.width == 77:
            raise ZeroDivisionError
        return find(picture, pixels, settings, limit=limit)

    monkeypatch.setattr(pipeline.faces, "search_faces", poisoned)
    reports = list(analyst.analyze_many([astronaut, np.zeros((50, 77, 3), np.uint8), astronaut]))
    assert [one.problem.reason if one.problem else None for one in reports] == [None, "crashed", None]
    assert "ZeroDivisionError" in caplog.text


def test_a_crash_of_the_occlusion_detector_costs_one_picture(
    analyst: Analyst, astronaut: Pixels, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from faceagent.agent import pipeline

    cover = pipeline.with_occlusion

    def poisoned(views: Any, settings: Settings) -> Any:
        if any(pixels().shape[0] == 400 for pixels, _ in views):
            raise ZeroDivisionError
        return cover(views, settings)

    monkeypatch.setattr(pipeline, "with_occlusion", poisoned)
    reports = list(analyst.analyze_many([astronaut, astronaut[:400], astronaut]))
    assert [one.problem.reason if one.problem else None for one in reports] == [None, "crashed", None]
    assert reports[0].faces[0].parts and reports[0].verdicts == reports[2].verdicts
    assert "ZeroDivisionError" in caplog.text


def test_one_call_for_one_picture(analyst: Analyst, astronaut: Pixels, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.fromarray(astronaut).save(tmp_path / name)
    with pytest.raises(InputError, match="analyze_many"):
        analyst.analyze(tmp_path)


def test_a_caller_who_stops_early_still_finds_an_index(analyst: Analyst, astronaut: Pixels, tmp_path: Path) -> None:
    reports = analyst.analyze_many([astronaut, astronaut[::-1]], out=tmp_path, questions=["quality"])
    next(reports)
    reports.close()
    assert (tmp_path / "index.html").is_file()


def test_a_picture_without_a_face_is_answered_with_no_face(analyst: Analyst) -> None:
    report = analyst.analyze(np.full((300, 400, 3), 127, np.uint8))
    assert report.faces == ()
    assert {verdict.reason for verdict in report.verdicts if verdict.question == "expression"} == {"no_face"}
    assert all(verdict.subject == "P1" for verdict in report.verdicts)


def test_identity_needs_a_reference_and_uses_it(analyst: Analyst, astronaut: Pixels) -> None:
    other_shot = np.clip(astronaut[:, ::-1].astype(np.int16) + 12, 0, 255).astype(np.uint8)
    same = analyst.analyze(astronaut, questions=["identity"], references=[other_shot])
    assert verdicts(same) == {("F1", "identity"): "genuine"}
    assert same.references[0].id == "R1"
    assert same.reference_faces[0].id == "R1F1"
    faceless = analyst.analyze(astronaut, questions=["identity"], references=[np.zeros((90, 90, 3), np.uint8)])
    assert verdicts(faceless) == {("F1", "identity"): "inconclusive"}
    unread = analyst.analyze(astronaut, questions=["identity"], references=["no-such-file.jpg"])
    assert verdicts(unread) == {("F1", "identity"): "inconclusive"}
    assert any("no-such-file" in sentence for sentence in unread.limitations)


def test_attributes_are_silent_unless_asked_for(analyst: Analyst, report: Report, astronaut: Pixels) -> None:
    assert not {item.question for item in report.evidence} & {"age", "gender"}
    asked = analyst.analyze(astronaut, questions=["attributes"])
    assert set(verdicts(asked)) == {("F1", "age"), ("F1", "gender")}
    assert [one.decision for one in asked.policy] == ["allow_with_notice"] * 2


def test_a_tool_with_two_answers_gives_only_the_one_asked_for(analyst: Analyst, astronaut: Pixels) -> None:
    asked = analyst.analyze(astronaut, questions=["age"])
    assert {item.question for item in asked.evidence} == {"age"}


def test_a_refused_question_touches_no_picture(analyst: Analyst) -> None:
    with pytest.raises(PolicyRefusal):
        analyst.analyze("no-such-file.jpg", questions=["expression"], purpose="workplace")


def test_a_partly_refused_request_records_the_refusal(analyst: Analyst, astronaut: Pixels) -> None:
    report = analyst.analyze(astronaut, purpose="education")
    refused = {one.question for one in report.policy if one.decision == "refuse"}
    assert refused == {"expression", "action_units"}
    assert not {item.question for item in report.evidence} & refused
    assert not {verdict.question for verdict in report.verdicts} & refused


def test_an_unknown_question_is_a_broken_request(analyst: Analyst, astronaut: Pixels) -> None:
    with pytest.raises(InputError, match="There is no question called 'mood'"):
        analyst.analyze(astronaut, questions=["mood"])


def test_the_state_of_the_graph_holds_keys_only(analyst: Analyst, astronaut: Pixels) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from faceagent.agent.graph import build_graph
    from faceagent.agent.state import RunContext
    from faceagent.intake import MemoryBlobs, expand
    from faceagent.policy import review
    from faceagent.types import Request

    blobs = MemoryBlobs()
    with ThreadPoolExecutor(2) as pool:
        context = RunContext(
            request=Request(),
            decisions=review(Request(), has_reference=False),
            sources=tuple(expand([jpeg(astronaut)], blobs)),
            references=(),
            settings=analyst.settings,
            blobs=blobs,
            tools=analyst.runtime.tools,
            pool=pool,
        )
        state = build_graph().invoke({}, context=context)
    text = json.dumps(state)
    assert len(text) < 20_000
    assert all(isinstance(key, str) for keys in state.values() for key in keys)


def test_reports_are_written_whole_and_inside_the_folder(analyst: Analyst, astronaut: Pixels, tmp_path: Path) -> None:
    out = tmp_path / "out"
    analyst.analyze(astronaut, out=out)
    assert sorted(path.name for path in out.iterdir()) == ["report.html", "report.json"]
    Report.model_validate_json((out / "report.json").read_text(encoding="utf-8"))
    many = tmp_path / "many"
    list(analyst.analyze_many([jpeg(astronaut), "../../etc/passwd.jpg"], out=many))
    assert (many / "index.html").is_file()
    assert len(list(many.glob("*/report.json"))) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many", "out"]


def test_the_module_level_call_is_the_same_thing(report: Report, astronaut: Pixels) -> None:
    assert faceagent.analyze(astronaut).verdicts == report.verdicts


def test_a_picture_alone_and_in_a_batch_has_the_same_report(
    analyst: Analyst, astronaut: Pixels, report: Report
) -> None:
    others = [jpeg(astronaut[:, ::-1], 60), jpeg(astronaut[20:, 30:], 80)]

    def compared(one: Report) -> dict[str, Any]:
        return json.loads(one.model_dump_json(exclude={"manifest": {"timings_ms", "created"}}))

    batch = list(analyst.analyze_many([others[0], astronaut, others[1]]))
    assert compared(batch[1]) == compared(report)


def test_nothing_in_a_list_is_a_report_with_its_reason(analyst: Analyst, astronaut: Pixels) -> None:
    first, nothing, last = analyst.analyze_many([astronaut, None, astronaut], questions=["quality"])
    assert first.problem is last.problem is None
    assert nothing.problem is not None and nothing.problem.reason == "missing_file"


def test_a_wrong_object_in_a_list_is_refused_before_anything_is_done(analyst: Analyst, astronaut: Pixels) -> None:
    with pytest.raises(InputError):
        analyst.analyze_many([astronaut, 42])


def test_unreadable_files_of_one_name_keep_a_report_each(analyst: Analyst, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.jpg").write_bytes(b"no picture")
    given = [tmp_path / "a" / "x.jpg", tmp_path / "b" / "x.jpg", b"neither", b"nor", b"neither"]
    reports = list(analyst.analyze_many(given, out=tmp_path / "out"))
    assert [report.source for report in reports[:2]] == ["a/x.jpg", "b/x.jpg"]
    assert len(list((tmp_path / "out").glob("*/report.json"))) == len(given)


def test_an_analyst_with_one_tool_measures_with_it_alone(analyst: Analyst, astronaut: Pixels) -> None:
    with analyst.with_tool("quality") as alone:
        report = alone.analyze(astronaut, questions=["quality"])
        assert {item.tool.name for item in report.evidence} == {"quality"}
        assert alone.runtime.tools["quality"] is analyst.runtime.tools["quality"]
    with pytest.raises(InputError, match="no tool called 'qualty'"):
        analyst.with_tool("qualty")
