"""What is logged: routes, ids and codes; no picture, no name of one, no secret, no URL of a client."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable

from fake_service import Server, picture_bytes
from structlog.testing import capture_logs

PNG = picture_bytes()
PRIVATE = ("Jane Doe", "hush", "93.184", "etc/passwd")


def test_a_log_tells_routes_and_no_content(serve: Callable[..., Server]) -> None:
    server = serve()
    text = base64.b64encode(PNG).decode()
    with capture_logs() as logs:
        server.post("/v1/analyze", files={"image": ("Jane Doe.png", PNG)})
        server.post("/v1/analyze", json={"image": text, "name": "Jane Doe", "purpose": "hush"})
        server.post("/v1/analyze", json={"url": "http://user:hush@127.0.0.1/?token=hush"})
        server.post("/v1/jobs", files={"image": ("Jane Doe.png", PNG)})
        server.get("/v1/cases/etc/passwd?token=hush")
        server.client.get("/v1/cases", headers={"Authorization": "Bearer hush"})
    told = json.dumps(logs)
    assert [one["status"] for one in logs if one["event"] == "request"] == [200, 422, 422, 202, 404, 401]
    secrets = [key.secret for key in server.keys.values()] + [key.webhook_secret for key in server.keys.values()]
    for private in (*PRIVATE, text[:40], *secrets):
        assert private not in told, private
    assert logs[0]["route"] == "/v1/analyze" and logs[0]["key"] == server.keys["submit"].key.id


def test_lines_are_json_also_those_of_the_library() -> None:
    program = (
        "import logging; from faceagent.serve import logs; logs.set_up();"
        "logs.logger.info('event', number=1); logging.getLogger('faceagent').warning('words')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [one["event"] for one in lines] == ["event", "words"]
    assert lines[0]["number"] == 1 and {"level", "timestamp"} <= lines[1].keys()
