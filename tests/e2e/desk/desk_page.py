"""The desk in a real browser: what a person does there, and what went wrong behind it."""

import base64
import io
import re
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect
from running_service import RunningService

OWN = ("blob:", "data:")
"""Addresses of what the page holds itself."""
DROP = """
([files, target]) => {
  const carried = new DataTransfer();
  for (const [name, type, data] of files) {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    carried.items.add(new File([bytes], name, { type }));
  }
  for (const kind of ["dragover", "drop"]) {
    const event = new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true });
    document.querySelector(target).dispatchEvent(event);
  }
}
"""


Analyse = Callable[..., str]
"""Makes a case of a picture; gives its id."""


def jpeg(pixels: NDArray[np.uint8], **more: Any) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=92, **more)
    return buffer.getvalue()


class Desk:
    """One person at the desk. ``expected``: parts of console messages that a test brings about on purpose."""

    def __init__(self, browser: Browser, service: RunningService) -> None:
        self.service = service
        self.expected: set[str] = set()
        self._problems: list[str] = []
        self.context = browser.new_context(locale="en-GB", viewport={"width": 1440, "height": 900})
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self._problems.append(f"exception: {error}"))
        self.page.on("request", self._asked)
        self.page.on("dialog", lambda dialog: self._problems.append(f"dialog: {dialog.message}"))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._problems.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self.service.url}/", *OWN)):
            self._problems.append(f"request to {request.url}")

    @property
    def problems(self) -> list[str]:
        """Errors in the console, exceptions, dialogs and requests to elsewhere, but for what was expected."""
        return [one for one in self._problems if not any(part in one for part in self.expected)]

    def sign_in(self, key: str | None = None) -> Self:
        """Become somebody without the dialog: the cookie is fetched beside the page."""
        answer = self.context.request.post(f"{self.service.url}/v1/session", data={"key": key or self.service.key})
        assert answer.status == 201
        return self

    def open(self, path: str) -> None:
        """Load a page of the desk."""
        self.page.goto(f"{self.service.url}{path}")

    def open_case(self, case_id: str) -> None:
        """Load the page of a case and wait for its answer."""
        self.open(f"/case/{case_id}")
        expect(self.page.locator(".summary h1")).to_be_visible()

    def drop(self, *files: tuple[str, str, bytes], on: str = ".drop") -> None:
        """Let go of files, as (name, type, data), over a part of the page."""
        self.page.locator(on).wait_for()
        carried = [[name, kind, base64.b64encode(data).decode()] for name, kind, data in files]
        self.page.evaluate(DROP, [carried, on])

    def ask_only(self, question: str) -> None:
        """Choose one question on the first page."""
        self.page.locator("details:has(#purpose) > summary").click()
        self.page.locator(f'input[name="question"][value="{question}"]').check()

    def case_id(self, seconds: float = 90) -> str:
        """Wait until the page is that of a case; its id."""
        self.page.wait_for_url(re.compile("/case/case_"), timeout=1000 * seconds)
        expect(self.page.locator(".summary h1")).to_be_visible()
        return self.page.url.rsplit("/", 1)[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.context.close()
        if error is None:
            assert not self.problems, self.problems
