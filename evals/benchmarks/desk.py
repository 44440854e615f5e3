"""The desk in a browser of this machine, over loopback: ``python -m evals.benchmarks.desk [--cases 200] [--loads 5]``.

Starts ``faceagent serve`` on a folder of its own, analyses a photograph that ships with scikit-image, and stores that
case under as many ids and names as are asked for. Prints, each with its bar: the time until every page shows what it is
for, each load with an empty cache; the longest time from a key or click to the next paint; the bytes of the page's own
files. Times mean something only on a machine that does nothing else; its load is printed.
"""

import argparse
import os
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, Response, sync_playwright

from evals.benchmarks import chromium
from evals.benchmarks.service import Figure, Running, photograph, server
from faceagent.storage.database import cases
from faceagent.storage.database.engine import open_database
from faceagent.types import Report

PAINT_SECONDS, NEXT_PAINT_MS, WEIGHT_KB = 1.0, 200, 300
USEFUL = """
(wanted) => {
  window.useful = new Promise((resolve) => {
    const look = () => {
      if (!document.querySelector(wanted)) return;
      watcher.disconnect();
      requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
    };
    const watcher = new MutationObserver(look);
    watcher.observe(document, { subtree: true, childList: true });
  });
}
"""
"""Milliseconds from the start of the navigation to the frame in which an element stands there."""
INTERACTIONS = """
window.slow = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (one.interactionId) window.slow.push([one.name, one.duration]);
}).observe({ type: "event", durationThreshold: 16, buffered: true });
"""
LEAST_MS = 16.0
"""The browser reports no interaction that was shorter."""


def copy_case(running: Running, case_id: str, times: int) -> None:
    """Store a case again under other ids and names, with its picture."""
    database = open_database(str(running.folder))
    try:
        found = cases.find_case(database, case_id, None)
        if found is None or found.report is None:
            raise SystemExit("The case that was just made is not stored.")
        report = Report.model_validate_json(found.report)
        with database.write() as connection:
            for number in range(times):
                named = report.model_copy(update={"source": f"astronaut-{number:03}.jpg"})
                text, seconds = named.model_dump_json().encode(), found.expires - found.created
                cases.add_case(connection, found.key_id, named, text, seconds=seconds, picture=found.picture)
    finally:
        database.close()


def queue(page: Page) -> None:
    """Go through the list by keys, select, sort and filter, begin a sign-off."""
    page.locator(".queue-row").nth(3).click()
    for key in ("j", "j", "j", "j", "j", "k", "k", "x", "j", "x"):
        page.keyboard.press(key)
        page.wait_for_timeout(60)
    page.get_by_label("Select all").click()
    page.locator("#f-sort").select_option("name-asc")
    page.wait_for_timeout(300)
    page.locator("#f-name").press_sequentially("astronaut-01", delay=30)
    page.wait_for_timeout(500)
    page.locator("h1").click()
    page.keyboard.press("a")
    page.locator(".sign-form textarea").press_sequentially("as it seems", delay=30)


def case(page: Page) -> None:
    """Point at a part of the face, draw landmarks and a map, open what is closed, ask."""
    page.locator('.part[data-part="mouth"]').click()
    page.get_by_label("Landmarks").click()
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="To the face").click()
    closed = page.locator("main details:not([open]) > summary:visible")
    while closed.count():
        closed.first.click()
    page.locator("#ask").press_sequentially("Which expression is it?", delay=20)
    page.keyboard.press("Enter")
    page.locator(".turn.answer:not([aria-busy])").wait_for()


def start(page: Page) -> None:
    """Open the options and choose a question."""
    page.locator("details summary").first.click()
    page.locator('input[name="question"]').first.click()
    page.locator('input[name="question"]').last.click()


def policies(page: Page) -> None:
    """Edit the rules."""
    page.locator("#document").click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\n# a remark that changes nothing", delay=20)
    page.wait_for_timeout(800)


PAGES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "/": (".case-row", start),
    "/queue": (".queue-row", queue),
    "/case/{id}": (".summary h1", case),
    "/policies": (".flow", policies),
}
"""The element for the sake of which a page is opened, and what a person does there."""


@contextmanager
def opened(browser: Browser, running: Running, path: str, wanted: str) -> Iterator[tuple[Page, dict[str, int], float]]:
    """A page in a browser without cache, signed in: the page, bytes by address, milliseconds to its useful paint."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1440, "height": 900})
    sizes: dict[str, int] = {}

    def weigh(answer: Response) -> None:
        sizes[answer.url] = int(answer.headers.get("content-length", 0))

    try:
        base = str(running.client.base_url).rstrip("/")
        key = running.client.headers["Authorization"].removeprefix("Bearer ")
        context.request.post(f"{base}/v1/session", data={"key": key})
        page = context.new_page()
        page.on("response", weigh)
        page.add_init_script(f"({USEFUL})({wanted!r}); {INTERACTIONS}")
        page.goto(base + path)
        yield page, sizes, float(page.evaluate("window.useful"))
    finally:
        context.close()


def figures_of(browser: Browser, running: Running, case_id: str, name: str, loads: int) -> tuple[list[Figure], int]:
    """The figures of one page, and the bytes of its own files."""
    wanted, act = PAGES[name]
    path = name.format(id=case_id)
    times: list[float] = []
    for _ in range(loads):
        with opened(browser, running, path, wanted) as (_page, _sizes, milliseconds):
            times.append(milliseconds / 1000)
    with opened(browser, running, path, wanted) as (page, sizes, _milliseconds):
        act(page)
        page.wait_for_timeout(500)
        slow: list[tuple[str, float]] = page.evaluate("window.slow")
        event, longest = max(slow, key=lambda one: one[1], default=("none", LEAST_MS))
    own = sum(size for url, size in sizes.items() if "/v1/" not in url)
    told = f"{max(times):.2f} s at most; {own / 1000:.0f} kB of its own, {sum(sizes.values()) / 1000:.0f} kB in all"
    print(f"  {name}: {told}; slowest: {event}")
    return [
        Figure(f"first useful paint of {name}, median", statistics.median(times), PAINT_SECONDS, "s"),
        Figure(f"interaction to next paint, {name}", longest, NEXT_PAINT_MS, "ms"),
    ], own


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200, help="in the queue")
    parser.add_argument("--loads", type=int, default=5, help="of each page")
    given = parser.parse_args()
    path = chromium.path()
    found: list[Figure] = []
    print(f"load of the machine before: {os.getloadavg()[0]:.1f}; {os.cpu_count()} cores")
    with server(8) as running, sync_playwright() as driver:
        answer = running.client.post("/v1/analyze", files={"image": ("a.jpg", photograph(0))}, data={"keep": "true"})
        case_id = answer.json()["case_id"]
        copy_case(running, case_id, given.cases - 1)
        browser = driver.chromium.launch(executable_path=path, args=list(chromium.FLAGS))
        weights: list[int] = []
        for name in PAGES:
            figures, weight = figures_of(browser, running, case_id, name, given.loads)
            weights.append(weight)
            for one in figures:
                print(one.line(), flush=True)
            found.extend(figures)
        browser.close()
    heaviest = Figure("files of the heaviest page", max(weights) / 1000, WEIGHT_KB, "kB")
    print(heaviest.line())
    print(f"load of the machine after: {os.getloadavg()[0]:.1f}")
    missed = [one.name for one in (*found, heaviest) if "MISSED" in one.line()]
    print("all bars are met" if not missed else f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
