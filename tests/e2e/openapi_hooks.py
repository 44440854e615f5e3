"""For schemathesis, which loads it by name: bodies that are accepted, so that there are answers with links.

Random bodies are nearly always refused, and a refusal has no link. What is wrong with requests is tested without this.
"""

import base64
from typing import Any

import schemathesis

BYTES = b"no picture: its case says so, and takes no time"
TEXT = base64.b64encode(BYTES).decode()
POLICY = {"rules": [{"when": ["unreadable"], "then": "block"}]}


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """A small valid body for the operations that others follow from."""
    path, is_form = (
        context.operation.path,
        isinstance(body, dict) and any(isinstance(one, bytes) for one in body.values()),
    )
    if path in ("/v1/analyze", "/v1/moderate"):
        return {"image": BYTES if is_form else TEXT}
    if path == "/v1/jobs":
        return {"image": BYTES} if is_form else {"images": [TEXT]}
    if path == "/v1/policies/{name}":
        return POLICY
    return body
