"""The running service with real models: the stock OpenAI client, the README's curl lines, hostile uploads, its end.

With ``FACEAGENT_TEST_LONG=1`` 2,000 hostile uploads are sent in place of 20 (``--timeout 3600``).
"""

import base64
import io
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openai
import pytest
from numpy.typing import NDArray
from PIL import Image
from running_service import RunningService

from evals.data.hostile_inputs import HostileInputs

pytestmark = pytest.mark.e2e
UPLOADS = range(0, 6 * (2000 if os.environ.get("FACEAGENT_TEST_LONG") else 20), 6)
"""Numbers of hostile inputs; each sixth is a file."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    running = RunningService(tmp_path_factory.mktemp("service"), FACEAGENT_SERVE_RATE="100000")
    yield running
    assert running.end() == 0


@pytest.fixture(scope="module")
def photo(astronaut: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(astronaut).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def photo_url(photo: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(photo).decode()


def test_the_openai_client_asks_in_turns_and_as_a_stream(service: RunningService, photo_url: str) -> None:
    with openai.OpenAI(api_key=service.key, base_url=f"{service.url}/v1") as client:
        _ask_in_turns(client, service, photo_url)


def _ask_in_turns(client: openai.OpenAI, service: RunningService, photo_url: str) -> None:
    assert [model.id for model in client.models.list()] == ["faceagent"]
    messages: list[dict[str, object]] = [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Which expression does this face show?"},
                {"type": "image_url", "image_url": {"url": photo_url}},
            ],
        },
    ]
    first = client.chat.completions.create(model="faceagent", messages=messages)  # type: ignore[arg-type]
    said = first.choices[0].message.content or ""
    assert "happiness" in said.lower() or "happy" in said.lower(), said
    case_id = first.model_extra["faceagent"]["case_id"]  # type: ignore[index]
    with service.client() as plain:
        assert plain.get(f"/v1/cases/{case_id}").json()["report"]["verdicts"]
    messages += [{"role": "assistant", "content": said}, {"role": "user", "content": "How old does the person look?"}]
    with client.chat.completions.create(model="faceagent", messages=messages, stream=True) as stream:  # type: ignore[call-overload]
        pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
    assert len(pieces) > 2 and any(mark.isdigit() for mark in "".join(pieces))


def test_a_wrong_key_and_a_wrong_model_are_openais_errors(service: RunningService) -> None:
    address = f"{service.url}/v1"
    stranger = openai.OpenAI(api_key="fa_0_0", base_url=address, max_retries=0)
    with stranger, pytest.raises(openai.AuthenticationError):
        stranger.models.list()
    client = openai.OpenAI(api_key=service.key, base_url=address, max_retries=0)
    with client, pytest.raises(openai.UnprocessableEntityError):
        client.chat.completions.create(model="gpt", messages=[{"role": "user", "content": "hello"}])


def test_a_real_picture_is_analysed_and_moderated(service: RunningService, photo: bytes) -> None:
    with service.client() as client:
        report = client.post("/v1/analyze", files={"image": ("a.jpg", photo)}).json()["report"]
        assert len(report["faces"]) == 1 and report["summary"]["answer"]
        decided = client.post("/v1/moderate", files={"image": ("a.jpg", photo)}, data={"dry_run": "true"}).json()
        assert decided["decision"] == "allow", decided["trace"]
        measured = client.post("/v1/tools/quality", files={"image": ("a.jpg", photo)}).json()
        assert {one["question"] for one in measured["evidence"]} == {"quality"}


def test_the_curl_lines_of_the_readme_work(service: RunningService, photo: bytes, tmp_path: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (block,) = [text for text in readme.split("```") if "curl " in text]
    (tmp_path / "photo.jpg").write_bytes(photo)
    (tmp_path / "photos.zip").write_bytes(_archive(photo))
    lines = block.replace("\\\n", " ").strip().splitlines()
    commands = [line for line in lines if line.startswith("curl ")]
    assert len(commands) >= 4
    for command in commands:
        done = subprocess.run(
            ["bash", "-c", command.replace("http://127.0.0.1:8156", service.url)],
            cwd=tmp_path,
            env={**os.environ, "KEY": service.key},
            capture_output=True,
            timeout=120,
        )
        assert done.returncode == 0, command
        assert "error" not in json.loads(done.stdout), (command, done.stdout[:300])


def _archive(photo: bytes) -> bytes:
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("photo.jpg", photo)
    return buffer.getvalue()


def test_hostile_uploads_cost_nothing(service: RunningService, tmp_path: Path) -> None:
    """Each is an answer or a refusal; the server lives, and no file of theirs is left."""
    before = set(Path(tempfile.gettempdir()).iterdir())
    statuses, sent = dict[int, int](), set[bytes]()
    hostile = HostileInputs.prepared(7, tmp_path)
    with service.client() as client:
        for number in UPLOADS:
            _, data = hostile.make(number)
            sent.add(bytes(data))
            answer = client.post("/v1/analyze", files={"image": ("a.jpg", data)}, data={"questions": "quality"})
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert set(statuses) <= {200, 413}, statuses
        assert client.get("/healthz").status_code == 200
    left = set(Path(tempfile.gettempdir()).iterdir()) - before
    assert not [path for path in left if path.is_file() and path.read_bytes() in sent], left


def test_a_server_that_is_asked_to_end_answers_first(tmp_path: Path, photo: bytes) -> None:
    running = RunningService(tmp_path / "ending")
    with running.client() as client:
        job = client.post("/v1/jobs", files=[("image", (f"{n}.jpg", photo)) for n in range(8)]).json()
        time.sleep(1.0)
    assert running.end() == 0
    again = RunningService(tmp_path / "ending", key=running.key)
    with again.client() as client, client.stream("GET", f"/v1/jobs/{job['id']}/events") as stream:
        last = stream.read().decode().strip().split("\n\n")[-1]
    assert json.loads(last.partition("data: ")[2])["counts"] == {"done": 8}
    assert again.end() == 0
