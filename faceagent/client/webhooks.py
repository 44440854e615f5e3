"""Checks that a webhook comes from the service: Standard Webhooks, HMAC-SHA256 over ``id.timestamp.body``."""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping

from faceagent.client.answers import parse
from faceagent.errors import ServiceError
from faceagent.types.service import JobEvent

PREFIX = "whsec_"
WINDOW = 300.0
"""Seconds between the clocks of sender and receiver, and the age of a message, at most."""


def verify_webhook(body: bytes, headers: Mapping[str, str], secret: str, *, window: float = WINDOW) -> JobEvent:
    """The event that a webhook carries, once its signature and its time are right.

    Within the window the same message may come twice (the service repeats what was not taken with a 2xx status, and an
    attacker may): handle an event so that its second time changes nothing, for example by ``job_id`` and ``state``.

    Args:
        body: exactly the bytes that came; parsed and written again they would have another signature.
        headers: of the request; upper and lower case do not matter.
        secret: the key's webhook secret, ``whsec_…``.
        window: seconds by which the message's time may differ from now.

    Raises:
        ServiceError: with the code "webhook_invalid". Answer 400, and do nothing.
    """
    given = {name.lower(): text for name, text in headers.items()}
    try:
        message_id, timestamp = given["webhook-id"], given["webhook-timestamp"]
        signatures = given["webhook-signature"].split()
    except KeyError as error:
        raise _invalid(f"The header {error.args[0]} is missing.") from None
    expected = _signature(secret, message_id, timestamp, body)
    # Every one is compared: a sender that changes its secret signs with both.
    if not any([hmac.compare_digest(one.encode(), expected) for one in signatures]):
        raise _invalid("The signature is wrong.")
    if not timestamp.isascii() or not timestamp.isdecimal() or abs(time.time() - int(timestamp[:15])) > window:
        raise _invalid(f"The message is more than {window:g} seconds old, or from the future.")
    return parse(JobEvent, body)


def _signature(secret: str, message_id: str, timestamp: str, body: bytes) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise _invalid("The secret is none: it begins with whsec_ and is base64.")
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return b"v1," + base64.b64encode(digest)


def _invalid(message: str) -> ServiceError:
    return ServiceError(message, code="webhook_invalid", remedy="Answer 400 and do nothing.")
