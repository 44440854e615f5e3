"""The running service against its own OpenAPI document: schemathesis makes requests, links included."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_service import RunningService

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]
HERE = Path(__file__).parent
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[RunningService]:
    running = RunningService(tmp_path / "service", FACEAGENT_SERVE_RATE="1000000", FACEAGENT_SERVE_QUOTA="100000000")
    yield running
    running.kill()


def schemathesis(service: RunningService, folder: Path, *arguments: str, **environment: str) -> str:
    """Its output. No failure of any check is accepted."""
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("run", f"{service.url}/openapi.json"),
            *("--header", f"Authorization: Bearer {service.key}"),
            *("--checks", CHECKS),
            *("--request-timeout", "60"),
            *("--seed", "1"),
            "--no-color",
            *arguments,
        ],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=1100,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert service.process.poll() is None
    return done.stdout


def test_no_request_breaks_the_contract(service: RunningService, tmp_path: Path) -> None:
    schemathesis(service, tmp_path, "--phases", "examples,coverage,fuzzing", "--max-examples", "15")


def test_links_are_followed_from_one_answer_to_the_next_request(service: RunningService, tmp_path: Path) -> None:
    report = tmp_path / "report"
    # It would revoke the key that it asks with, and see nothing but 401 from then on.
    alone = ("--exclude-operation-id", "revoke_key")
    told = ("--report", "ndjson", "--report-dir", str(report))
    hooks = {"SCHEMATHESIS_HOOKS": "openapi_hooks", "PYTHONPATH": os.pathsep.join((str(HERE), *sys.path))}
    schemathesis(service, tmp_path, "--phases", "stateful", "--max-examples", "250", *alone, *told, **hooks)
    followed = transitions(report)
    words = f"{followed.total()} links were followed, of {len(followed)} kinds: {sorted(followed)}"
    sys.stdout.write(f"{words}\n")  # shown with -rP
    assert len([one for one in followed if "get_case" in one or "get_job" in one]) >= 2, words
    assert len(followed) >= 10 and followed.total() >= 30, words


def transitions(report: Path) -> Counter[str]:
    """How often each link was followed, from schemathesis's own report."""
    found = Counter[str]()
    for file in report.glob("*.ndjson"):
        for line in file.read_text(encoding="utf-8").splitlines():
            recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
            for case in recorder.get("cases", {}).values():
                if case.get("is_transition_applied"):
                    found[case["transition"]["id"]] += 1
    return found
