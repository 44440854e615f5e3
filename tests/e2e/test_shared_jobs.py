"""Two servers share jobs through one PostgreSQL and one Redis: no item is lost or done twice, whoever is killed.

With ``FACEAGENT_TEST_LONG=1`` the job has 500 items and 20 servers are killed (``--timeout 3600``).
"""

import io
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray
from PIL import Image
from running_service import RunningService

pytestmark = pytest.mark.e2e
ITEMS, KILLS = (500, 20) if os.environ.get("FACEAGENT_TEST_LONG") else (60, 5)


@pytest.fixture
def shared(url: str, redis_url: str) -> dict[str, str]:
    """The settings of servers that share everything."""
    return {
        "FACEAGENT_SERVE_DATABASE": url,
        "FACEAGENT_SERVE_REDIS": redis_url,
        "FACEAGENT_SERVE_LEASE_SECONDS": "3",
        "FACEAGENT_SERVE_RATE": "100000",
    }


@pytest.fixture
def pair(shared: dict[str, str], tmp_path: Path) -> Iterator[list[RunningService]]:
    """Two servers; the second one has the key of the first."""
    first = RunningService(tmp_path / "0", "--new-admin-key", **shared)
    servers = [first, RunningService(tmp_path / "1", key=first.key, **shared)]
    yield servers
    for one in servers:
        one.kill()


def pictures(astronaut: NDArray[np.uint8], count: int) -> list[tuple[str, tuple[str, bytes]]]:
    """The same face in ``count`` files with other bytes."""
    found = []
    for number in range(count):
        buffer = io.BytesIO()
        Image.fromarray(astronaut[:256, 100:356]).save(buffer, "JPEG", quality=60 + number % 36, comment=b"%d" % number)
        found.append(("image", (f"{number}.jpg", buffer.getvalue())))
    return found


def wait_for(server: RunningService, job_id: str) -> dict[str, object]:
    with server.client() as client:
        while True:
            job: dict[str, object] = client.get(f"/v1/jobs/{job_id}").json()
            if job["state"] not in ("queued", "running"):
                return job
            time.sleep(0.2)


def test_killed_servers_lose_nothing_and_do_nothing_twice(
    pair: list[RunningService], shared: dict[str, str], tmp_path: Path, url: str, astronaut: NDArray[np.uint8]
) -> None:
    with pair[0].client() as client:
        sent = pictures(astronaut, ITEMS)
        job = client.post("/v1/jobs", files=sent, data={"questions": "quality", "webhook": "https://shop.example/"})
        job_id = job.json()["id"]
    for kill in range(KILLS):
        time.sleep(1.0)
        place = kill % 2
        pair[place].kill()
        pair[place] = RunningService(tmp_path / f"again{kill}", key=pair[place].key, **shared)
    job = wait_for(pair[0], job_id)
    assert (job["state"], job["counts"]) == ("done", {"done": ITEMS})
    with psycopg.connect(url) as database:
        stored = database.execute("SELECT count(*), count(DISTINCT id) FROM cases").fetchone()
        assert stored == (ITEMS, ITEMS), "a case without an item, or an item done twice"
        left = database.execute("SELECT count(*) FROM job_items WHERE data IS NOT NULL").fetchone()
        assert left == (0,), "bytes of a picture were left"
        assert database.execute("SELECT count(*) FROM webhook_deliveries").fetchone() == (1,)


def test_both_servers_work_on_one_job(pair: list[RunningService], astronaut: NDArray[np.uint8]) -> None:
    with pair[0].client() as client:
        job_id = client.post("/v1/jobs", files=pictures(astronaut, 24), data={"questions": "quality"}).json()["id"]
    assert wait_for(pair[1], job_id)["counts"] == {"done": 24}
    done = []
    for one in pair:
        with one.client() as client:
            text = client.get("/metrics").text
        found = re.search(r'^faceagent_job_items_total{state="done"} (.+)$', text, re.MULTILINE)
        done.append(float(found[1]) if found else 0.0)
    assert all(done), f"one server did nothing: {done}"


def test_a_broker_that_is_away_delays_and_loses_nothing(url: str, tmp_path: Path, astronaut: NDArray[np.uint8]) -> None:
    away = {"FACEAGENT_SERVE_DATABASE": url, "FACEAGENT_SERVE_REDIS": f"unix://{tmp_path}/none"}
    server = RunningService(tmp_path / "alone", "--new-admin-key", **away)
    try:
        with server.client() as client:
            answer = client.post("/v1/jobs", files=pictures(astronaut, 2), data={"questions": "quality"})
            assert answer.status_code == 202
        assert wait_for(server, answer.json()["id"])["counts"] == {"done": 2}
        assert '"broker_away"' in server.log.read_text()
        assert server.end() == 0
    finally:
        server.kill()
