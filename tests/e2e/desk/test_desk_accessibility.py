"""Every page of the desk, light and dark, under axe-core; and no page scrolls sideways on a telephone."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from desk_page import Desk
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.e2e


def signed_out(desk: Desk, case_id: str) -> None:
    desk.context.clear_cookies()
    desk.open("/")
    expect(desk.page.get_by_label("API key")).to_be_visible()


def start(desk: Desk, case_id: str) -> None:
    desk.open("/")
    expect(desk.page.locator(".case-row").first).to_be_visible()
    open_all_folds(desk.page)


def case(desk: Desk, case_id: str) -> None:
    """With its conversation, and compared with a reference."""
    desk.open_case(case_id)
    expect(desk.page.locator(".compare-pair canvas").first).to_be_visible()
    open_all_folds(desk.page)
    desk.page.get_by_label("Landmarks").check()
    ask(desk.page)


def ask(page: Page) -> None:
    page.get_by_role("button", name="What does the face express?").click()
    expect(page.locator(".turn.answer .cited").first).to_be_visible(timeout=60_000)


def queue(desk: Desk, case_id: str) -> None:
    desk.open("/queue")
    desk.page.get_by_label("Select all").check()
    expect(desk.page.locator(".bulk button").first).to_be_visible()
    expect(desk.page.locator(".queue-side form")).to_be_visible()


def policies(desk: Desk, case_id: str) -> None:
    desk.open("/policies")
    expect(desk.page.locator(".flow")).to_be_visible()


def broken_policy(desk: Desk, case_id: str) -> None:
    desk.expected.add("status of 400")
    policies(desk, case_id)
    desk.page.get_by_label("Rules (YAML)").fill("rules: [")
    expect(desk.page.get_by_role("heading", name="This cannot be read yet")).to_be_visible()


def unknown_case(desk: Desk, case_id: str) -> None:
    desk.expected.add("status of 404")
    desk.open("/case/case_000000000000000000000000")
    expect(desk.page.get_by_role("heading", name="There is no such case")).to_be_visible()


PAGES = (signed_out, start, case, queue, policies, broken_policy, unknown_case)


def open_all_folds(page: Page) -> None:
    page.locator("details").evaluate_all("(folds) => folds.forEach((one) => { one.open = true; })")


@pytest.mark.parametrize("page", PAGES, ids=lambda one: one.__name__)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    desk: Desk, case_id: str, page: Callable[[Desk, str], None]
) -> None:
    page(desk, case_id)
    for scheme in ("light", "dark"):
        desk.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found = Axe().run(desk.page)
        assert not found.response["violations"], f"{scheme}: {found.generate_report()}"
    for width in (360, 2560):
        desk.page.set_viewport_size({"width": width, "height": 900})
        beyond = desk.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert beyond <= 0, width
