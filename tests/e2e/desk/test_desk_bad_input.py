"""What a person meets when something is wrong: the page says so in words, and what was typed is still there."""

import re

import numpy as np
import pytest
from desk_page import Analyse, Desk, jpeg
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Route, expect
from running_service import RunningService

pytestmark = pytest.mark.e2e

MARKUP = "<img src=x onerror=window.hit=1>"
RIGHT_TO_LEFT = "صورة \u202egpj.jpg"
OVERRIDE = "\u202e"
"""Turns the letters after it around; the service takes it out of names."""
SOFTWARE = 0x0131
MANY = 60


@pytest.mark.parametrize("name", [f"{MARKUP}.jpg", RIGHT_TO_LEFT])
def test_names_metadata_and_chat_stay_text(desk: Desk, astronaut: NDArray[np.uint8], name: str) -> None:
    exif = Image.Exif()
    exif[SOFTWARE] = MARKUP
    page = desk.page
    desk.open("/")
    desk.ask_only("provenance")
    desk.drop((name, "image/jpeg", jpeg(astronaut, exif=exif)))
    expect(page.locator(".upload bdi")).to_have_text(name)
    desk.case_id()
    kept = name.replace(OVERRIDE, "")
    expect(page.locator(".case-head bdi")).to_have_text(kept)
    expect(page.locator(".case-head bdi")).to_have_css("unicode-bidi", "isolate")
    page.locator("#origin > summary").click()
    expect(page.locator("#origin")).to_contain_text(MARKUP)
    page.get_by_placeholder("Ask in your own words").fill(f"{MARKUP} Is it real?")
    page.keyboard.press("Enter")
    expect(page.locator(".turn.mine")).to_have_text(f"{MARKUP} Is it real?")
    expect(page.locator(".turn.answer:not([aria-busy])")).to_be_visible(timeout=60_000)
    expect(page.locator("main :is(.turns, .case-head, #origin) img")).to_have_count(0)
    for path in ("/", "/queue"):
        desk.open(path)
        expect(page.locator(".name bdi").first).to_have_text(kept)
    assert page.evaluate("window.hit") is None


def test_a_case_that_is_over_says_so(desk: Desk, analyse: Analyse, photo: bytes) -> None:
    case_id = analyse(photo, questions="quality")
    with desk.service.client() as client:
        assert client.delete(f"/v1/cases/{case_id}").status_code == 204
    desk.expected.add("status of 410")
    desk.open(f"/case/{case_id}")
    expect(desk.page.get_by_role("heading", name="This case has expired")).to_be_visible()
    desk.page.locator("main").get_by_role("link", name="Desk").click()
    expect(desk.page.locator(".drop")).to_be_visible()


def test_a_lost_session_asks_for_the_key_and_goes_on(desk: Desk, analyse: Analyse, photo: bytes) -> None:
    page = desk.page
    desk.open_case(analyse(photo, questions="quality"))
    page.get_by_text("Reject", exact=True).click()
    page.get_by_label("Reason").fill("typed before the session was lost")
    desk.expected.add("status of 401")
    desk.context.clear_cookies()
    page.get_by_role("button", name="Sign", exact=True).click()
    page.get_by_label("API key").fill("fa_0_wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".signin .wrong")).to_have_text("This key is not valid. Check that it was copied whole.")
    page.get_by_label("API key").fill(desk.service.key)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".reviews")).to_contain_text("typed before the session was lost")
    expect(page.locator(".sign .tag").first).to_have_text("rejected")


def test_the_second_of_two_readers_is_told_and_keeps_the_words(
    browser: Browser, service: RunningService, desk: Desk, analyse: Analyse, photo: bytes
) -> None:
    case_id = analyse(photo, questions="quality")
    with service.client() as client:
        secret = client.post("/v1/keys", json={"name": "second reader", "role": "review"}).json()["secret"]
    with Desk(browser, service) as second:
        for one in (desk, second.sign_in(secret)):
            one.open_case(case_id)
            expect(one.page.locator(".sign .tag").first).to_have_text("open")
        sign(desk, "Accept", "the first word")
        expect(desk.page.locator(".sign .tag").first).to_have_text("accepted")
        second.expected.add("status of 409")
        sign(second, "Reject", "the second word")
        expect(second.page.locator(".sign .wrong")).to_contain_text("Somebody else has signed meanwhile.")
        expect(second.page.locator(".reviews")).to_contain_text("the first word")
        expect(second.page.get_by_label("Reason")).to_have_value("the second word")
        second.page.get_by_role("button", name="Sign", exact=True).click()
        expect(second.page.locator(".sign .tag").first).to_have_text("disagreement")


def sign(desk: Desk, decision: str, reason: str) -> None:
    desk.page.get_by_text(decision, exact=True).click()
    desk.page.get_by_label("Reason").fill(reason)
    desk.page.get_by_role("button", name="Sign", exact=True).click()


def test_a_picture_without_a_face_and_a_file_that_is_no_picture(desk: Desk) -> None:
    desk.open("/")
    desk.drop(("wall.jpg", "image/jpeg", jpeg(np.full((300, 400, 3), 128, np.uint8))))
    desk.case_id()
    expect(desk.page.get_by_role("heading", name="No face was found", exact=True)).to_be_visible()
    desk.open("/")
    desk.drop(("notes.jpg", "image/jpeg", b"no picture at all"))
    desk.case_id()
    expect(desk.page.locator(".summary h1")).to_contain_text("could not be analysed")


def test_sixty_faces_in_forty_megapixels(desk: Desk, astronaut: NDArray[np.uint8]) -> None:
    head = Image.fromarray(astronaut[20:220, 120:320]).resize((816, 816), Image.Resampling.BICUBIC)
    crowd = np.tile(np.asarray(head), (6, 10, 1))
    page = desk.page
    desk.open("/")
    desk.ask_only("quality")
    desk.drop(("crowd.jpg", "image/jpeg", jpeg(crowd)))
    desk.case_id(180)
    expect(page.get_by_role("heading", name=f"{MANY} faces, largest first")).to_be_visible()
    expect(page.locator(".drawn .face")).to_have_count(MANY)
    page.get_by_role("button", name="F37", exact=True).click()
    expect(page.locator(".face.chosen")).to_have_attribute("aria-label", re.compile("^Face F37: "))
    expect(page.locator(".world > img")).to_have_js_property("naturalWidth", 2048, timeout=60_000)


def test_a_server_that_goes_away_loses_nothing(
    browser: Browser, photo: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("away")
    service = RunningService(folder)
    try:
        with Desk(browser, service) as desk:
            page = desk.sign_in().page
            desk.open("/")
            desk.ask_only("quality")
            slow_down(desk)
            desk.drop(("astronaut.jpg", "image/jpeg", photo))
            expect(page.locator(".upload")).to_contain_text("Sending")
            desk.expected |= {"ERR_CONNECTION", "ERR_EMPTY_RESPONSE"}
            service.kill()
            expect(page.locator(".upload .wrong")).to_have_text(
                "The server does not answer. The picture is still here."
            )
            page.get_by_role("link", name="Review").click()
            expect(page.locator("main")).to_contain_text("The server does not answer.")
            page.get_by_role("link", name="Desk").click()
            service = RunningService(folder, port=service.port, key=service.key)
            page.get_by_role("button", name="Try again").click()
            desk.case_id()
    finally:
        service.end()


def test_a_page_whose_script_did_not_come_is_asked_for_again(desk: Desk) -> None:
    page = desk.page
    desk.expected.add("ERR_CONNECTION_REFUSED")
    script = "**/desk/queue.js"
    page.route(script, lambda route: route.abort("connectionrefused"))
    desk.open("/")
    expect(page.locator(".drop")).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.get_by_role("link", name="Review").click()
    expect(page.get_by_role("heading", name="The server does not answer.")).to_be_visible()
    page.unroute(script)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".queue, .empty")).to_be_visible()
    expect(page.get_by_role("heading", name="The server does not answer.")).to_have_count(0)


def test_a_case_that_answers_late_is_not_drawn_over_the_page_one_has_gone_on_to(desk: Desk, case_id: str) -> None:
    page, held = desk.page, []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(f"**/v1/cases/{case_id}/view?*", hold)
    desk.open("/queue")
    page.locator(f"#row-{case_id} a.name").click()
    expect(page.locator("main.page-case")).to_be_attached()
    page.wait_for_timeout(300)
    page.get_by_role("link", name="Policies").click()
    expect(page.locator("main.page-policies h1")).to_be_visible()
    assert held, "the case was asked for"
    for one in held:
        one.continue_()
    page.wait_for_timeout(500)
    expect(page.locator("main")).to_have_count(1)
    expect(page.locator("main.page-policies h1")).to_be_visible()
    expect(page.locator(".case-head")).to_have_count(0)


def test_all_means_the_cases_that_come_later_too_and_what_was_signed_stays_told(
    desk: Desk, analyse: Analyse, photo: bytes
) -> None:
    page, held = desk.page, []
    made = [analyse(photo, name=f"late {number}.jpg", questions="quality") for number in range(3)]

    def few_first(route: Route) -> None:
        if "cursor=" in route.request.url and not held:
            held.append(route)
        else:
            route.continue_(url=re.sub("limit=30", "limit=1", route.request.url))

    page.route("**/v1/cases?*name=late*", few_first)
    desk.open("/queue?name=late")
    expect(page.locator(".queue-row")).to_have_count(1)
    page.get_by_label("Select all").check()
    page.wait_for_timeout(300)
    assert held, "the rest was asked for"
    held[0].continue_()
    expect(page.locator(".queue-row input:checked")).to_have_count(len(made))
    expect(page.locator(".bulk b")).to_contain_text(str(len(made)))
    page.locator("#bulk-reason").fill("three at once")
    page.locator(".bulk").get_by_role("button", name="Accept").click()
    told = page.locator(".page-queue [role=status]")
    expect(page.locator(".queue-row .state.accepted")).to_have_count(len(made))
    expect(told).to_contain_text(re.compile(f"{len(made)}.*Cases: {len(made)}"))
    expect(page.get_by_label("Select all")).not_to_be_checked()
    with desk.service.client() as client:
        for one in made:
            assert client.delete(f"/v1/cases/{one}").status_code == 204


def slow_down(desk: Desk) -> None:
    """A line on which an upload takes seconds."""
    devtools = desk.context.new_cdp_session(desk.page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 10_000}
    devtools.send("Network.emulateNetworkConditions", slow)
