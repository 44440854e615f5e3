"""The reports that a server holds: the oldest go first, by number and by bytes, and only their owner reads them."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from faceagent import Analyst, Report, Settings
from faceagent.agent.runtime import build_tools
from faceagent.intake import NamedBytes
from faceagent.serve.mcp import recent
from faceagent.serve.mcp.recent import RecentReports, page_uri, report_uri


@pytest.fixture(scope="module")
def picture(astronaut: NDArray[np.uint8]) -> NamedBytes:
    buffer = io.BytesIO()
    Image.fromarray(astronaut[:200]).save(buffer, "PNG")
    return NamedBytes("photo.png", buffer.getvalue())


@pytest.fixture(scope="module")
def report(picture: NamedBytes) -> Report:
    settings = Settings(workers=1)
    with Analyst(settings, {"quality": build_tools(settings)["quality"]}) as analyst:
        return analyst.analyze(picture, questions=["quality"])


def test_only_as_many_reports_and_bytes_as_the_limits_allow(
    report: Report, picture: NamedBytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = RecentReports(Settings())

    def listed() -> list[str]:
        return [one.uri for one in reports.resources("")]

    other = NamedBytes("other.png", b"not a picture of this report")
    kept = [reports.add(report, [picture, other], "") for _ in range(3)]
    assert listed() == [report_uri(one.id) for one in reversed(kept)]
    assert kept[0].size == len(picture.data)
    monkeypatch.setattr(recent, "MOST_BYTES", 2 * len(picture.data))
    last = reports.add(report, [picture], "")
    assert listed() == [report_uri(last.id), report_uri(kept[2].id)]
    monkeypatch.setattr(recent, "MOST_REPORTS", 1)
    reports.add(report, [picture], "anna")
    assert listed() == [] and len(reports.resources("anna")) == 1
    with pytest.raises(KeyError):
        reports.read(report_uri(last.id), "")


@pytest.mark.parametrize(
    "path", ["", "report.pdf", "heatmaps/F1%3Anone.png", "heatmaps/../report.json", "../x", "report.json/"]
)
def test_addresses_that_name_nothing(report: Report, picture: NamedBytes, path: str) -> None:
    reports = RecentReports(Settings())
    kept = reports.add(report, [picture], "anna")
    base = report_uri(kept.id).removesuffix("report.json")
    for uri, owner in ((base + path, "anna"), (page_uri(kept.id), ""), (page_uri(kept.id)[:-20], "anna")):
        with pytest.raises(KeyError):
            reports.read(uri, owner)
    assert reports.read(page_uri(kept.id), "anna").mime_type == "text/html"
