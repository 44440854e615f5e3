"""The contract around every tool: content never raises, order is kept, one bad view costs one item."""

import threading
from collections.abc import Sequence

import numpy as np
import pytest

from faceagent.errors import ModelUnavailable
from faceagent.tools.base import ToolSpec, View, measure
from faceagent.types import Evidence, Face, Picture, Quality, ToolStamp

SPEC = ToolSpec(
    name="toy",
    version="1",
    title="Toy",
    summary="Measures nothing.",
    questions=("spoof",),
    scope="face",
)
GOOD = Quality(unified=90, sharpness=90, illumination=90, exposure=90, resolution=90, pose=90, visibility=90)


class Toy:
    def __init__(self, spec: ToolSpec = SPEC, *, poison: str = "", error: Exception | None = None) -> None:
        self.spec = spec
        self.calls: list[list[str]] = []
        self._poison = poison
        self._error = error

    def stamp(self) -> ToolStamp:
        return ToolStamp(name=self.spec.name, version=self.spec.version)

    def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
        self.calls.append([view.subject for view in batch])
        if self._error is not None:
            raise self._error
        if self._poison in [view.subject for view in batch]:
            raise ValueError("poison")
        return [(self._item(view),) for view in batch]

    def _item(self, view: View) -> Evidence:
        return Evidence(
            id=f"{view.subject}:toy", tool=self.stamp(), question="spoof", subject=view.subject, statement="Fine."
        )


def view(name: str, **changes: object) -> View:
    picture = Picture(
        id="P1", sha256="0" * 64, width=9, height=9, format="PNG", bytes=9, source="x", mode="RGB", orientation=1
    )
    face = Face.model_validate(
        {
            "id": name,
            "picture": "P1",
            "box": (0, 0, 9, 9),
            "confidence": 0.9,
            "points5": ((1, 1),) * 5,
            "quality": GOOD,
            "usable_for": ("spoof",),
        }
        | changes
    )
    return View(picture, lambda: np.zeros((9, 9, 3), np.uint8), lambda: b"", face)


def test_a_batch_is_one_call_in_order() -> None:
    toy = Toy()
    groups = measure(toy, [view("F1"), view("F2"), view("F3")])
    assert toy.calls == [["F1", "F2", "F3"]]
    assert [group[0].subject for group in groups] == ["F1", "F2", "F3"]


def test_an_empty_batch_calls_nothing() -> None:
    toy = Toy()
    assert measure(toy, []) == []
    assert toy.calls == []


def test_only_the_poisonous_view_fails() -> None:
    groups = measure(Toy(poison="F2"), [view("F1"), view("F2"), view("F3")])
    assert [group[0].status for group in groups] == ["ok", "failed", "ok"]
    assert groups[1][0].reason == "crashed"
    assert "ValueError" in groups[1][0].statement


def test_missing_weights_make_the_batch_unavailable_with_the_remedy() -> None:
    toy = Toy(error=ModelUnavailable("No weights.", remedy="Run pull."))
    groups = measure(toy, [view("F1"), view("F2")])
    assert [(group[0].status, group[0].reason) for group in groups] == [("unavailable", "weights_missing")] * 2
    assert "Run pull." in groups[0][0].statement
    assert len(toy.calls) == 1


def test_a_face_that_cannot_be_used_is_spared_and_said() -> None:
    toy = Toy()
    small = view("F1", usable_for=(), reasons={"spoof": ("face_too_small",)})
    groups = measure(toy, [small, view("F2")])
    assert (groups[0][0].status, groups[0][0].reason) == ("not_applicable", "face_too_small")
    assert toy.calls == [["F2"]]


def test_a_face_that_is_usable_for_one_of_two_questions_is_measured() -> None:
    spec = SPEC.model_copy(update={"questions": ("spoof", "forgery")})
    half = view("F1", usable_for=("forgery",), reasons={"spoof": ("face_too_small",)})
    assert measure(Toy(spec), [half])[0][0].status == "ok"


@pytest.mark.parametrize(("need", "reason"), [("landmarks", "no_landmarks"), ("reference", "no_reference")])
def test_what_a_tool_needs_and_does_not_get_is_said(need: str, reason: str) -> None:
    spec = SPEC.model_copy(update={"needs": (need,)})
    item = measure(Toy(spec), [view("F1")])[0][0]
    assert (item.status, item.reason) == ("not_applicable", reason)


def test_a_pending_tool_is_never_called() -> None:
    toy = Toy(SPEC.model_copy(update={"pending": "Not trained yet."}))
    item = measure(toy, [view("F1")])[0][0]
    assert (item.status, item.statement, toy.calls) == ("unavailable", "Not trained yet.", [])


def test_a_programming_mistake_in_the_house_is_not_swallowed() -> None:
    class Short(Toy):
        def run(self, batch: Sequence[View]) -> list[tuple[Evidence, ...]]:
            return []

    with pytest.raises(ValueError, match="zip"):
        measure(Short(), [view("F1")])


def test_measuring_from_many_threads_keeps_results_apart() -> None:
    toy = Toy()
    found: dict[str, str] = {}

    def work(name: str) -> None:
        found[name] = measure(toy, [view(name)])[0][0].subject

    threads = [threading.Thread(target=work, args=(f"F{n}",)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(name == subject for name, subject in found.items())
    assert len(found) == 16
