"""Identity chooses in the open: group photographs as references, batches that share them, crowds beyond the cap."""

import io
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from faceagent import Analyst, Settings
from faceagent.types import Report, Verdict

Pixels = NDArray[np.uint8]


def jpeg(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def side_by_side(*heads: tuple[Pixels, float], gap: int = 40) -> Pixels:
    """Pictures scaled by their factors, in a row on grey."""
    scaled = [cv2.resize(head, None, fx=by, fy=by, interpolation=cv2.INTER_AREA) for head, by in heads]
    canvas = np.full((max(one.shape[0] for one in scaled) + gap, sum(one.shape[1] + gap for one in scaled), 3), 127)
    x = gap // 2
    for one in scaled:
        canvas[gap // 2 : gap // 2 + one.shape[0], x : x + one.shape[1]] = one
        x += one.shape[1] + gap
    return canvas.astype(np.uint8)


@pytest.fixture(scope="module")
def analyst() -> Iterator[Analyst]:
    with Analyst(Settings(workers=2, explain="ledger", batch=2)) as warm:
        yield warm


@pytest.fixture(scope="module")
def head(astronaut: Pixels) -> Pixels:
    return astronaut[20:240, 110:340]


@pytest.fixture(scope="module")
def other_shot(head: Pixels) -> Pixels:
    """The astronaut as on another photograph: mirrored and brighter."""
    return np.clip(head[:, ::-1].astype(np.int16) + 12, 0, 255).astype(np.uint8)


def identity(report: Report) -> Verdict:
    (verdict,) = (one for one in report.verdicts if one.question == "identity")
    return verdict


@pytest.mark.parametrize(
    ("layout", "named"),
    [
        ("stranger 1.0, person 0.7", "R1F2 of 2 faces"),
        ("person 0.7, stranger 1.0", "R1F2 of 2 faces"),
        ("person 1.4, stranger 0.7", "R1F1 of 2 faces"),
        ("stranger 1.2, person 0.6, stranger 0.9", "R1F3 of 3 faces"),
    ],
)
def test_the_person_may_be_any_face_of_a_group_reference(
    analyst: Analyst, head: Pixels, other_shot: Pixels, stranger: Pixels, layout: str, named: str
) -> None:
    people = {"person": other_shot, "stranger": stranger}
    family = side_by_side(*((people[who], float(by)) for who, by in (part.split() for part in layout.split(", "))))
    report = analyst.analyze(head, questions=["identity"], references=[family])
    verdict = identity(report)
    assert verdict.label == "genuine"
    assert named in verdict.wording and "the others do not match" in verdict.wording
    (item,) = (one for one in report.evidence if one.id == "F1:identity")
    assert item.facts["reference_faces"] == len(report.reference_faces) == layout.count(",") + 1
    assert str(item.facts["reference_face"]) in item.statement


def test_a_stranger_to_the_whole_group_is_another_person(analyst: Analyst, head: Pixels, stranger: Pixels) -> None:
    family = side_by_side((stranger, 1.0), (stranger[:, ::-1], 0.8))
    verdict = identity(analyst.analyze(head, questions=["identity"], references=[family]))
    assert verdict.label == "other_person"
    assert "None of the 2 faces that the references show matches" in verdict.wording


def test_a_single_reference_says_who_is_meant_on_a_group(
    analyst: Analyst, head: Pixels, other_shot: Pixels, stranger: Pixels
) -> None:
    family = side_by_side((stranger, 1.0), (other_shot, 0.7))
    dark = np.asarray(other_shot * 0.8, np.uint8)
    verdict = identity(analyst.analyze(head, questions=["identity"], references=[family, dark]))
    assert verdict.label == "genuine" and "R1F2 and R2" in verdict.wording
    wrong = analyst.analyze(
        head, questions=["identity"], references=[side_by_side((stranger, 1.0), (stranger, 0.7)), dark]
    )
    assert identity(wrong).reason == "references_differ"
    assert "do not look like one person" in identity(wrong).wording


def test_every_batch_has_the_same_references(
    analyst: Analyst, head: Pixels, other_shot: Pixels, stranger: Pixels
) -> None:
    """Also when a reference is one of the pictures, whose bytes are let go after its batch."""
    a, b, c, d = jpeg(other_shot), jpeg(stranger), jpeg(head), jpeg(np.asarray(head * 0.8, np.uint8))
    for pictures in ([a, b, c, d], [b, a, d, c], [c, a, a, d]):
        reports = list(analyst.analyze_many(pictures, questions=["identity"], references=[a]))
        assert [report.problem for report in reports] == [None] * 4
        assert {len(report.references) for report in reports} == {1}
        assert not any(report.lost_references for report in reports)
        expected = {a: "same_file", b: "other_person", c: "genuine", d: "genuine"}
        assert [identity(report).reason or identity(report).label for report in reports] == [
            expected[one] for one in pictures
        ]


def test_references_are_read_once_for_all_batches(
    analyst: Analyst, head: Pixels, other_shot: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    from faceagent.agent import pipeline

    read: list[str] = []
    load_images = pipeline.load_images

    def counted(sources, *rest):
        read.extend(sources)
        return load_images(sources, *rest)

    monkeypatch.setattr(pipeline, "load_images", counted)
    shots = [jpeg(np.asarray(head * by, np.uint8)) for by in (1.0, 0.95, 0.9, 0.85, 0.8)]
    list(analyst.analyze_many(shots, questions=["identity"], references=[jpeg(other_shot)]))
    assert read.count("ref/R1") == 1 and len(read) == 6


@pytest.fixture(scope="module")
def crowd(stranger: Pixels, other_shot: Pixels) -> Pixels:
    """Five strangers and the person, the smallest of them."""
    return side_by_side(*((stranger, by) for by in (0.8, 0.76, 0.72, 0.68, 0.64)), (other_shot, 0.5))


def test_identity_compares_the_faces_beyond_the_cap(crowd: Pixels, head: Pixels) -> None:
    with Analyst(Settings(workers=2, explain="ledger", max_faces=2)) as small:
        report = small.analyze(crowd, questions=["identity", "spoof"], references=[head])
        decided = {one.subject: one.label for one in report.verdicts if one.question == "identity"}
        assert decided["F6"] == "genuine" and len(decided) == 6
        assert [label for label in decided.values() if label == "genuine"] == ["genuine"]
        assert {one.subject for one in report.verdicts if one.question == "spoof"} == {"F1", "F2"}
        assert report.limitations[0].startswith("6 faces found: all compared for identity, 2 analysed for the other")
        assert report.rollups[0].label == "genuine" or report.rollups[1].label == "genuine"
        plain = small.analyze(crowd, questions=["spoof"])
        assert len(plain.faces) == 2 and plain.picture is not None and plain.picture.faces_found == 6
        assert plain.limitations[0].startswith("6 faces found, 2 analysed, largest first (setting max_faces")


def test_without_a_crowd_nothing_is_said_of_one(analyst: Analyst, head: Pixels) -> None:
    report = analyst.analyze(head, questions=["spoof"])
    assert report.picture is not None and report.picture.faces_found == 1
    assert not any("faces found" in sentence for sentence in report.limitations)


def test_the_smallest_of_a_crowd_may_be_the_reference(analyst: Analyst, crowd: Pixels, head: Pixels) -> None:
    verdict = identity(analyst.analyze(head, questions=["identity"], references=[crowd]))
    assert verdict.label == "genuine" and "R1F6 of 6 faces" in verdict.wording


def test_person_003_of_a_page_of_small_tiles_is_found(stranger: Pixels, other_shot: Pixels, head: Pixels) -> None:
    """Small tiles, the person's no larger than the others: far beyond the cap, and still compared."""
    tiles = [cv2.resize(one, (100, 100), interpolation=cv2.INTER_AREA) for one in (stranger, other_shot)]
    rows = [np.hstack([tiles[int((row, column) == (0, 2))] for column in range(6)]) for row in range(6)]
    with Analyst(Settings(workers=2, explain="ledger", max_faces=2)) as small:
        report = small.analyze(np.vstack(rows), questions=["identity"], references=[head])
    genuine = [one.subject for one in report.verdicts if one.question == "identity" and one.label == "genuine"]
    assert report.picture is not None and report.picture.faces_found == len(report.faces) == 36
    (found,) = (face for face in report.faces if face.id in genuine)
    assert 200 <= (found.box[0] + found.box[2]) / 2 <= 300 and (found.box[1] + found.box[3]) / 2 <= 100
    assert report.limitations[0].startswith("36 faces found: all compared for identity, 2 analysed for the other")
    assert "--max-faces" in report.limitations[0]
