"""A report in a notebook: small, with its picture, and everything escaped."""

import pickle
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from faceagent import Analyst, Report, Settings
from faceagent.notebook import card


@pytest.fixture(scope="module")
def report(astronaut: NDArray[np.uint8]) -> Iterator[Report]:
    with Analyst(Settings(workers=2)) as analyst:
        yield analyst.analyze(astronaut, questions=["quality"])


def test_it_shows_the_summary_and_the_picture_and_is_small(report: Report) -> None:
    html = report._repr_html_()
    assert report.summary is not None and report.summary.answer in html
    assert 'src="data:image/jpeg;base64,' in html and len(html) < 20_000
    assert "<script" not in html and "http" not in html


def test_the_picture_is_no_part_of_what_the_report_says(report: Report) -> None:
    again = Report.model_validate_json(report.model_dump_json())
    assert again == report and "_thumbnail" not in report.model_dump_json()
    assert "<img" not in again._repr_html_() and report.thumbnail is not None
    assert pickle.loads(pickle.dumps(report)).thumbnail == report.thumbnail  # noqa: S301


def test_everything_is_escaped() -> None:
    evil = '"><script>alert(1)</script>&'
    html = card(evil, [evil, evil], [(evil, evil)], evil)
    assert "<script" not in html and html.count("&lt;script&gt;") == 6
    assert card("a", [], [], None) == card("a", [""], [], None)


def test_a_picture_that_could_not_be_read_says_why() -> None:
    with Analyst(Settings(workers=2)) as analyst:
        html = analyst.analyze("no<b>such.jpg")._repr_html_()
    assert "no&lt;b&gt;such.jpg" in html and "There is no such file." in html


def test_a_bar_can_be_drawn_over_many(astronaut: NDArray[np.uint8], capsys: pytest.CaptureFixture[str]) -> None:
    with Analyst(Settings(workers=2)) as analyst:
        for progress in (False, True):
            reports = analyst.analyze_many([astronaut[:300], astronaut[:301]], questions=["quality"], progress=progress)
            assert len(list(reports)) == 2
            told = capsys.readouterr()
            assert told.out == "" and ("2/2" in told.err) is progress
