"""The way of a person at the desk, over the real server: from a dropped picture to the signed PDF."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from desk_page import Analyse, Desk, jpeg
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, Response, expect
from running_service import RunningService

pytestmark = pytest.mark.e2e

MOST_BYTES = 300_000
WATCH = """
() => {
  window.progress = [];
  const look = () => {
    const ended = document.querySelectorAll(".steps-live .ended").length;
    const begun = document.querySelectorAll(".steps-live .begun").length;
    if (begun) window.progress.push(ended);
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
}
"""

COUNT = """
() => {
  window.changes = 0;
  window.frames = 0;
  const next = () => { window.frames += 1; requestAnimationFrame(next); };
  requestAnimationFrame(next);
  const fill = Element.prototype.replaceChildren;
  Element.prototype.replaceChildren = function (...nodes) {
    if (this.matches(".turn.answer")) window.changes += 1;
    return fill.apply(this, nodes);
  };
}
"""
"""Counts frames, and how often an answer is drawn anew."""


def test_from_a_dropped_picture_to_the_signed_pdf(
    browser: Browser, service: RunningService, photo: bytes, tmp_path: Path
) -> None:
    with Desk(browser, service) as desk:
        page, sizes = desk.page, dict[str, int]()
        page.on("response", lambda answer: weigh(answer, sizes))
        sign_in_by_hand(desk)
        page.evaluate(WATCH)
        desk.drop(("astronaut.jpg", "image/jpeg", photo))
        case_id = desk.case_id()
        ended = page.evaluate("window.progress")
        assert len(set(ended)) >= 5 and ended == sorted(ended), "steps end one by one while the page is watched"
        summary_comes_first(page)
        sentences_and_regions_light_each_other(page)
        the_chat_cites_and_points(page)
        sign_off(page)
        with service.client() as client:
            kept = client.get(f"/v1/cases/{case_id}/reviews").json()
        assert (kept["state"], kept["reviews"][0]["reason"]) == ("accepted", "The picture is what it seems.")
        with page.expect_download(timeout=60_000) as download:
            page.get_by_role("link", name="PDF", exact=True).click()
        download.value.save_as(tmp_path / "report.pdf")
        assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF-")
    assert 50_000 < sum(sizes.values()) <= MOST_BYTES, sizes


def weigh(answer: Response, sizes: dict[str, int]) -> None:
    """The files of the page itself: the shell, scripts, styles and words, each once."""
    if answer.status == 200 and "/v1/" not in answer.url and not answer.url.startswith("blob:"):
        sizes[answer.url] = int(answer.headers.get("content-length", 0))


def sign_in_by_hand(desk: Desk) -> None:
    desk.open("/")
    desk.page.get_by_label("API key").fill(desk.service.key)
    desk.page.get_by_role("button", name="Sign in").click()
    expect(desk.page.locator(".drop")).to_be_visible()


def summary_comes_first(page: Page) -> None:
    summary, picture = page.locator(".summary").bounding_box(), page.locator(".frame").bounding_box()
    assert summary and picture and summary["y"] + summary["height"] <= picture["y"]
    expect(page.locator(".grounds dd")).to_have_count(3)
    expect(page.locator(".world > img")).to_have_js_property("complete", True)
    assert page.locator(".world > img").evaluate("(image) => image.naturalWidth") == 512


def sentences_and_regions_light_each_other(page: Page) -> None:
    expect(page.locator(".part.lit")).to_have_count(0)
    page.locator(".sentences .citing").first.hover()
    expect(page.locator(".part.lit").first).to_be_attached()
    page.locator(".grounds dt").first.hover()
    expect(page.locator(".part.lit")).to_have_count(0)
    page.locator('.part[data-part="mouth"]').click()
    expect(page.locator('.part.lit[data-part="mouth"]')).to_have_count(1)
    expect(page.locator(".sentences .about, .strip.about").first).to_be_visible()
    page.get_by_role("button", name=re.compile("Face F1")).focus()
    page.keyboard.press("Enter")
    expect(page.locator(".face.chosen")).to_have_count(1)


def the_chat_cites_and_points(page: Page) -> None:
    question = "Which expression does the face show, and why?"
    field = page.get_by_placeholder("Ask in your own words")
    field.fill(question)
    page.keyboard.press("Enter")
    expect(page.locator(".turn.mine")).to_have_text(question)
    expect(field).to_have_value("")
    answer = page.locator(".turn.answer:not([aria-busy])")
    expect(answer).to_contain_text("happy", timeout=60_000)
    expect(page.locator(".part.lit").first).to_be_attached()
    for part in (page.locator(".turn.mine"), answer, field, page.get_by_role("button", name="Is it real?")):
        expect(part).to_be_in_viewport()
    for language in ("es", "en"):
        page.locator("#language").select_option(language)
        expect(page.locator(".turn.mine")).to_have_text(question)
        expect(answer).to_contain_text("happy")
    answer.locator(".cited").first.click()
    row = page.locator(f'tr[data-evidence="{answer.locator(".cited").first.get_attribute("data-cited")}"]')
    expect(row.first).to_be_visible()
    expect(row.first).to_have_class(re.compile("about"))


def sign_off(page: Page) -> None:
    expect(page.locator(".case-state")).to_have_text("open")
    sign = page.get_by_role("button", name="Sign", exact=True)
    page.get_by_text("Accept", exact=True).click()
    sign.click()
    expect(page.locator(".sign").get_by_role("alert")).to_have_text("Give a reason first.")
    page.get_by_label("Reason").fill("The picture is what it seems.")
    sign.click()
    expect(page.locator(".case-state")).to_have_text("accepted")
    expect(sign).to_be_hidden()
    expect(page.get_by_role("button", name="Sign again, or as second reader")).to_be_focused()
    expect(page.locator(".sign .tag").first).to_have_text("accepted")
    expect(page.locator(".reviews")).to_contain_text("The picture is what it seems.")


def reduced(photo: bytes, side: int) -> bytes:
    """A small copy of a picture, compressed more."""
    copy = io.BytesIO()
    Image.open(io.BytesIO(photo)).resize((side, side)).save(copy, "JPEG", quality=60)
    return copy.getvalue()


def test_a_kept_picture_is_compared_from_its_case(desk: Desk, analyse: Analyse, photo: bytes) -> None:
    page, first = desk.page, analyse(photo, questions="quality")
    desk.open_case(first)
    reference = {"name": "her passport.jpg", "mimeType": "image/jpeg", "buffer": reduced(photo, 256)}
    page.get_by_label("Compare with another picture").set_input_files(reference)
    page.wait_for_url(re.compile(f"/case/case_(?!{first[5:]})"), timeout=90_000)
    expect(page.locator(".compare-pair canvas")).to_have_count(2)
    expect(page.locator(".compare-pair")).to_contain_text("her passport.jpg")
    expect(page.locator(".compare")).to_contain_text("Both look like the same photograph.")
    expect(page.locator(".case-head")).to_contain_text("photo.jpg")


def test_ticking_a_case_moves_no_row_and_undecided_figures_are_words(desk: Desk, case_id: str) -> None:
    page = desk.page
    with desk.service.client() as client:
        (one,) = [each for each in client.get("/v1/cases").json()["cases"] if each["case_id"] == case_id]
    desk.open("/queue")
    row, bulk = page.locator(f"#row-{case_id}"), page.locator(".bulk")
    expect(bulk.get_by_role("button", name="CSV")).to_be_disabled()
    expect(bulk).to_contain_text("Tick cases to sign or export them together.")
    before = row.bounding_box()
    row.get_by_role("checkbox").check()
    expect(bulk.get_by_role("button", name="CSV")).to_be_enabled()
    assert row.bounding_box() == before
    figures = len([each for each in one["verdicts"] if each["question"] in ("forgery", "morph", "spoof", "identity")])
    assert figures
    told = row.locator(".measure", has_text="%").count(), row.locator(".measure", has_text="cannot tell").count()
    assert sum(told) == figures


def test_what_could_not_be_told_is_words_in_the_queue(
    desk: Desk, analyse: Analyse, astronaut: NDArray[np.uint8]
) -> None:
    small = np.asarray(Image.fromarray(astronaut).resize((104, 104), Image.Resampling.LANCZOS))
    case_id = analyse(jpeg(small), "small.jpg")
    with desk.service.client() as client:
        (one,) = [each for each in client.get("/v1/cases").json()["cases"] if each["case_id"] == case_id]
    (forgery,) = [each for each in one["verdicts"] if each["question"] == "forgery"]
    assert (forgery["label"], forgery["leaning"]) == ("inconclusive", None)
    desk.open("/queue")
    figure = desk.page.locator(f"#row-{case_id} .measure", has_text="manipulated")
    expect(figure).to_contain_text("cannot tell")
    expect(figure).not_to_contain_text("%")


@pytest.mark.parametrize("language", ["en", "es", "zh"])
def test_answer_picture_and_reasons_are_seen_without_scrolling(desk: Desk, case_id: str, language: str) -> None:
    page = desk.page
    page.set_viewport_size({"width": 1280, "height": 800})
    desk.open_case(case_id)
    page.locator("#language").select_option(language)
    expect(page.locator("html")).to_have_attribute("lang", re.compile(f"^{language}"))
    for part in (page.locator(".summary h1"), page.locator(".frame"), page.locator(".grounds dd").first):
        expect(part).to_be_in_viewport(ratio=1)


def test_a_question_leaves_the_picture_as_it_is_and_is_drawn_once_a_frame(desk: Desk, case_id: str) -> None:
    page = desk.page
    page.set_viewport_size({"width": 1280, "height": 800})
    desk.open_case(case_id)
    before = page.locator(".frame").bounding_box()
    page.evaluate(COUNT)
    page.get_by_placeholder("Ask in your own words").fill("Which expression is it?")
    page.keyboard.press("Enter")
    expect(page.locator(".turn.answer:not([aria-busy])")).to_contain_text("happy", timeout=60_000)
    after = page.locator(".frame").bounding_box()
    assert before and after and (before["width"], before["height"]) == (after["width"], after["height"])
    changes, frames = page.evaluate("[window.changes, window.frames]")
    assert 0 < changes <= frames + 2, "pieces that came within one frame are drawn together"


def test_on_a_telephone_the_picture_follows_the_answer(desk: Desk, case_id: str) -> None:
    page = desk.page
    page.set_viewport_size({"width": 390, "height": 844})
    desk.open_case(case_id)
    bar, summary, picture, why = (
        page.locator(one).bounding_box() for one in (".bar", ".summary", ".stage", ".grounds")
    )
    assert bar and summary and picture and why
    assert bar["height"] < 110
    assert 0 <= picture["y"] - summary["y"] - summary["height"] < 30
    assert why["y"] > picture["y"] + picture["height"]
