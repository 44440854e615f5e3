"""The pipeline's functions by themselves: which tools a question needs, what a tool may record, how a report is put."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from faceagent.agent import pipeline
from faceagent.agent.runtime import build_tools
from faceagent.intake import MemoryBlobs
from faceagent.settings import Settings
from faceagent.tools.base import ToolSpec, View
from faceagent.types import Evidence, Face, Picture, Quality, Question, Request, Source, ToolStamp

QUALITY = Quality(unified=80, sharpness=80, illumination=80, exposure=80, resolution=80, pose=80, visibility=80)


def spec(name: str, *questions: Question, **more: object) -> ToolSpec:
    known = {"version": "1", "title": name, "summary": name, "scope": "face"}
    return ToolSpec.model_validate({"name": name, "questions": questions, **known, **more})


def evidence(tool: str, subject: str, question: Question) -> Evidence:
    stamp = ToolStamp(name=tool, version="1")
    return Evidence(id=f"{subject}:{tool}", tool=stamp, question=question, subject=subject, statement="measured")


def face(name: str) -> Face:
    points = ((1.0, 1.0), (3.0, 1.0), (2.0, 2.0), (1.0, 3.0), (3.0, 3.0))
    return Face(id=name, picture="P1", box=(0, 0, 4, 4), confidence=0.9, points5=points, quality=QUALITY)


def picture() -> Picture:
    return Picture(
        id="P1", sha256="0" * 64, width=4, height=4, format="PNG", bytes=9, source="a", mode="RGB", orientation=1
    )


def test_a_tool_is_required_for_what_a_question_rests_on_in_the_order_of_the_tools() -> None:
    specs = [spec("mood", "expression"), spec("muscles", "action_units", "expression"), spec("age", "age", "gender")]
    needed = pipeline.required_tools(["expression"], specs, has_vlm=False)
    assert needed == {"mood": ("expression",), "muscles": ("action_units", "expression")}
    assert list(pipeline.required_tools(["gender", "expression"], specs, has_vlm=False)) == ["mood", "muscles", "age"]
    assert pipeline.required_tools([], specs, has_vlm=False) == {}


def test_tools_that_need_a_model_or_add_only_detail_are_left_out_where_neither_is_wanted() -> None:
    specs = [spec("detector", "forgery"), spec("reader", "forgery", needs=("model",))]
    specs.append(spec("detail", "forgery", skip_when_brief=True))
    names = {
        (vlm, brief): list(pipeline.required_tools(["forgery"], specs, has_vlm=vlm, brief=brief))
        for vlm in (False, True)
        for brief in (False, True)
    }
    assert names == {
        (False, False): ["detector", "detail"],
        (False, True): ["detector"],
        (True, False): ["detector", "reader", "detail"],
        (True, True): ["detector", "reader"],
    }


def test_every_registered_tool_is_required_by_some_question(settings: Settings) -> None:
    specs = [tool.spec for tool in build_tools(settings).values()]
    asked = [question for one in specs for question in one.questions]
    assert list(pipeline.required_tools(asked, specs, has_vlm=True)) == [one.name for one in specs]


class TwoAnswers:
    """A tool that measures age and gender at once."""

    spec = spec("both", "age", "gender", scope="picture")

    def stamp(self) -> ToolStamp:
        return ToolStamp(name="both", version="1")

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        return [(evidence("both", view.subject, "age"), evidence("both", view.subject, "gender")) for view in batch]


def test_a_tool_records_only_what_was_asked_and_allowed() -> None:
    view = View(picture(), pixels=lambda: pytest.fail("not needed"), original=lambda: b"")
    found = pipeline.run_tool(TwoAnswers(), [view], ["gender"])
    assert [[one.question for one in group] for group in found] == [["gender"]]


def test_pictures_are_read_by_their_keys_and_a_broken_one_is_a_problem() -> None:
    blobs = MemoryBlobs()
    missing = Source(kind="path", ref="/nowhere/a.jpg", name="a.jpg")
    with ThreadPoolExecutor(2) as pool:
        found = pipeline.load_images({"0/P1": missing, "ref/R1": missing}, blobs, Settings(), pool)
        assert {key: getattr(one, "reason", None) for key, one in found.items()} == {
            "0/P1": "missing_file",
            "ref/R1": "missing_file",
        }
        assert pipeline.load_images({}, blobs, Settings(), pool) == {}
        assert pipeline.find_faces({}, blobs, Settings(), pool) == {}


def test_evidence_of_a_report_stands_face_by_face_in_the_order_of_the_tools() -> None:
    mixed = (
        evidence("second", "F2", "quality"),
        evidence("first", "F2", "quality"),
        evidence("second", "F1", "quality"),
        evidence("gone", "F1", "quality"),
        evidence("first", "P1", "quality"),
    )
    found = pipeline.Findings(source="a", picture=picture(), faces=(face("F1"), face("F2")), evidence=mixed)
    report = pipeline.compose_report(
        Request(), Settings(), found, pipeline.ReferenceFindings(), (), tools=["first", "second"], timings_ms={}
    )
    order = [(one.subject, one.tool.name) for one in report.evidence]
    assert order == [("P1", "first"), ("F1", "second"), ("F1", "gone"), ("F2", "first"), ("F2", "second")]
