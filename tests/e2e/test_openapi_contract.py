"""The running service against its own OpenAPI document: schemathesis makes requests, links included."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_service import RunningService

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    running = RunningService(tmp_path / "service", FACEAGENT_SERVE_RATE="1000000", FACEAGENT_SERVE_QUOTA="100000000")
    yield running
    running.kill()


def test_no_request_breaks_the_contract(service: RunningService, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("run", f"{service.url}/openapi.json"),
            *("--header", f"Authorization: Bearer {service.key}"),
            *("--checks", CHECKS),
            *("--phases", "examples,coverage,fuzzing,stateful"),
            *("--max-examples", "15"),
            *("--request-timeout", "60"),
            *("--seed", "1"),
            "--no-color",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=1100,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert service.process.poll() is None
