"""Pictures and views of cases: what was kept can be shown, in the reader's language, and goes with the case."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_service import Server, picture_bytes, report_on
from PIL import Image

from faceagent.agent.state import StepProgress
from faceagent.intake import NamedBytes
from faceagent.serve.case_view import areas_of, case_view
from faceagent.storage.database.cases import Case
from faceagent.types import Request

PNG = picture_bytes()
LARGE = picture_bytes(side=200)


def shown(server: Server, path: str, role: str = "submit") -> Image.Image:
    answer = server.get(path, role)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    return Image.open(io.BytesIO(answer.content))


def test_a_kept_picture_is_shown_upright_bounded_and_without_metadata(server: Server) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "a maker"
    buffer = io.BytesIO()
    Image.new("RGB", (120, 80), (200, 30, 30)).save(buffer, "PNG", exif=exif)
    path = f"/v1/cases/{server.analyse(buffer.getvalue(), keep='true').json()['case_id']}"
    picture = shown(server, f"{path}/picture")
    assert picture.size == (80, 120)
    assert not picture.getexif()
    assert shown(server, f"{path}/picture?side=40").size[1] == 40
    assert max(shown(server, f"{path}/thumbnail").size) == 96
    assert server.get(f"{path}/picture?side=3").status_code == 422


def test_what_was_not_kept_is_not_shown(server: Server) -> None:
    path = f"/v1/cases/{server.analyse(PNG).json()['case_id']}"
    for name in ("picture", "thumbnail", "references/R1"):
        assert server.get(f"{path}/{name}").status_code == 404
    assert server.get(f"{path}/view").json()["kept"] is False


def test_a_kept_file_that_is_no_picture_is_not_shown(server: Server) -> None:
    path = f"/v1/cases/{server.analyse(b'no picture at all', keep='true').json()['case_id']}"
    for name in ("picture", "thumbnail"):
        assert server.get(f"{path}/{name}").status_code == 404


def test_a_submitter_sees_its_own_pictures_only(server: Server) -> None:
    path = f"/v1/cases/{server.analyse(PNG, 'admin', keep='true').json()['case_id']}"
    assert server.get(f"{path}/picture").status_code == server.get(f"{path}/thumbnail").status_code == 404
    assert shown(server, f"{path}/picture", "review").format == "JPEG"


def test_references_go_with_their_case(serve: Callable[..., Server]) -> None:
    server = serve()
    marked = LARGE + b"the bytes of a reference that must go"
    files = [("image", ("a.png", PNG)), ("references", ("b.png", marked)), ("references", ("b.png", marked))]
    case_id = server.post("/v1/analyze", files=files, data={"keep": "true"}).json()["case_id"]
    place = Path(server.service.settings.database)
    assert any(b"must go" in path.read_bytes() for path in place.iterdir())
    server.get(f"/v1/cases/{case_id}/thumbnail")
    assert server.delete(f"/v1/cases/{case_id}").status_code == 204
    server.service.database.purge()
    assert not any(b"must go" in path.read_bytes() for path in place.iterdir())
    assert server.get(f"/v1/cases/{case_id}/picture").status_code == 410


def test_a_kept_picture_is_analysed_again_with_references_that_are_sent_now(server: Server) -> None:
    kept = server.analyse(PNG, keep="true").json()["case_id"]
    seen: list[list[NamedBytes]] = []
    server.analyst.with_references = seen.append
    again = {"url": f"case:{kept}", "keep": "true"}
    answer = server.post("/v1/analyze", files=[("references", ("her.png", LARGE))], data=again)
    made = answer.json()
    assert made["case_id"] != kept
    assert (made["report"]["source"], made["report"]["picture"]["bytes"]) == ("a.png", len(PNG))
    assert [[one.name for one in found] for found in seen] == [["her.png"]]


def test_a_picture_that_was_not_kept_or_is_anothers_is_not_analysed_again(server: Server) -> None:
    gone = server.analyse(PNG).json()["case_id"]
    others = server.analyse(PNG, "admin", keep="true").json()["case_id"]
    answers = [server.post("/v1/analyze", json={"url": f"case:{one}"}) for one in (gone, others, "case_0")]
    assert [one.status_code for one in answers] == [422, 404, 404]
    assert answers[0].json()["error"]["details"][0]["field"] == "body.url"


def test_references_keep_their_names(server: Server) -> None:
    seen: list[list[NamedBytes]] = []
    server.analyst.with_references = seen.append
    server.post("/v1/analyze", files=[("image", ("a.png", PNG)), ("references", ("her passport.png", LARGE))])
    text = base64.b64encode(PNG).decode()
    server.post("/v1/analyze", json={"image": text, "references": [text]})
    assert [[one.name for one in found] for found in seen] == [["her passport.png"], ["reference 1"]]


@pytest.mark.parametrize(("language", "word"), [("en", "Manipulated?"), ("es", "¿Manipulada?"), ("zh", "是否篡改？")])
def test_a_view_speaks_the_readers_language(server: Server, language: str, word: str) -> None:
    case_id = server.analyse(PNG).json()["case_id"]
    view = server.get(f"/v1/cases/{case_id}/view?language={language}").json()
    (strip,) = view["strips"]
    assert (view["tone"], view["tones"]) == (strip["tone"], {"F1": strip["tone"]})
    assert view["summary"]["language"] == language
    assert strip["title"] == word
    assert 0 <= strip["bar"]["low"] <= strip["bar"]["value"] <= strip["bar"]["high"] <= 100
    assert sum(zone["width"] for zone in view["zones"]) == pytest.approx(100)
    assert server.get(f"/v1/cases/{case_id}/view?language=xx").status_code == 422


def test_a_view_outlines_the_parts_of_a_face_that_has_a_mesh() -> None:
    report = report_on(NamedBytes("a.png", PNG), Request())
    mesh = tuple((float(place % 30), float(place // 30)) for place in range(478))
    face = report.faces[0].model_copy(update={"landmarks": mesh})
    evidence = report.evidence[0]
    unit = evidence.model_copy(update={"id": "F1:AU12", "question": "action_units"})
    eye = evidence.model_copy(update={"id": "F1:forgery_left_eye", "region": "left_eye"})
    report = report.model_copy(update={"faces": (face,), "evidence": (evidence, unit, eye)})
    view = case_view(
        Case("case_1", "key", 0.0, 1.0, "etag", "a.png", report.model_dump_json().encode(), None), (), "en"
    )
    assert set(view.outlines["F1"]) >= {"mouth", "left_eye", "nose"}
    assert view.areas == {"F1:AU12": ("mouth",), "F1:forgery_left_eye": ("left_eye",)}
    assert areas_of(eye.model_copy(update={"region": "skin"})) == ("forehead", "right_cheek", "left_cheek", "chin")


def test_an_analysis_streams_its_steps_and_then_its_case(server: Server) -> None:
    headers = {"accept": "text/event-stream"}
    answer = server.post("/v1/analyze", files={"image": ("a.png", PNG)}, headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [block.split("\n") for block in answer.text.split("\n\n") if block.startswith("event:")]
    names = [lines[0].removeprefix("event: ") for lines in events]
    assert names == ["step", "step", "case"]
    told = [json.loads(lines[1].removeprefix("data: ")) for lines in events]
    assert StepProgress.model_validate(told[0]).part == "faces"
    assert server.get(f"/v1/cases/{told[-1]['case_id']}").status_code == 200


def test_a_stream_that_fails_ends_with_the_error_body(server: Server) -> None:
    headers = {"accept": "text/event-stream"}
    answer = server.post("/v1/analyze", files={"image": ("a.png", b"broken request")}, headers=headers)
    last = [line for line in answer.text.split("\n") if line.startswith("data:")][-1]
    assert "event: error" in answer.text
    assert json.loads(last.removeprefix("data: "))["error"]["message"] == "This request is broken."
