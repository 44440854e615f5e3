"""One service and one browser for all tests of the desk, and cases that more than one test looks at."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
from desk_page import Analyse, Desk, jpeg
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from running_service import RunningService

from evals.benchmarks import chromium


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    running = RunningService(tmp_path_factory.mktemp("desk"))
    yield running
    assert running.end() == 0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ended after each file: while it runs, its event loop is that of this thread, and other tests need their own."""
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium.path(), args=list(chromium.FLAGS))
        yield running
        running.close()


@pytest.fixture
def desk(browser: Browser, service: RunningService) -> Iterator[Desk]:
    """A person who has signed in. At the end there must be nothing in the console that was not expected."""
    with Desk(browser, service) as one:
        yield one.sign_in()


@pytest.fixture(scope="session")
def photo(astronaut: NDArray[np.uint8]) -> bytes:
    return jpeg(astronaut)


@pytest.fixture(scope="session")
def analyse(service: RunningService) -> Analyse:
    """Makes a case of a picture, with the picture kept; gives its id."""

    def made(data: bytes, name: str = "photo.jpg", references: tuple[bytes, ...] = (), **fields: object) -> str:
        files = [("image", (name, data, "image/jpeg"))]
        files += [("references", (f"reference-{place}.jpg", one, "image/jpeg")) for place, one in enumerate(references)]
        with service.client() as client:
            answer = client.post("/v1/analyze", files=files, data={"keep": "true", **fields})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["case_id"])

    return made


@pytest.fixture(scope="session")
def case_id(analyse: Analyse, photo: bytes) -> str:
    """The astronaut, all questions, compared with herself in a mirror."""
    mirrored = np.asarray(Image.open(io.BytesIO(photo)))[:, ::-1]
    return analyse(photo, "astronaut.jpg", references=(jpeg(np.ascontiguousarray(mirrored)),))
