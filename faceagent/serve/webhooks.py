"""Webhooks after the Standard Webhooks specification: ``webhook-id``, ``webhook-timestamp``, ``webhook-signature``.

The signature is HMAC-SHA256 over ``id.timestamp.body`` under the key's secret. A message goes only to a public address,
under the rules of ``intake.fetch``, without redirects; it is tried again with growing pauses until it is taken.
"""

import base64
import hashlib
import hmac
import random
import time

import httpx2

from faceagent.intake.fetch import Resolver, post, resolve
from faceagent.serve.logs import logger
from faceagent.serve.metrics import Metrics
from faceagent.serve.settings import ServiceSettings
from faceagent.storage.database.api_keys import webhook_secret
from faceagent.storage.database.deliveries import Delivery, claim_due, record_try
from faceagent.storage.database.engine import Database, now
from faceagent.types import Problem

PREFIX = "whsec_"
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 4 * 3600.0
GONE = 410
"""The receiver wants no further tries."""


def signature(secret: str, message_id: str, timestamp: int, body: str) -> str:
    """``v1,BASE64``, as the header carries it."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.new(key, f"{message_id}.{timestamp}.{body}".encode(), hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def deliver_due(
    database: Database,
    settings: ServiceSettings,
    metrics: Metrics,
    *,
    resolver: Resolver = resolve,
    transport: httpx2.BaseTransport | None = None,
) -> int:
    """Try every message whose time has come; returns how many. ``resolver`` and ``transport`` are there for tests."""
    due = claim_due(database)
    for one in due:
        secret = webhook_secret(database, one.key_id)
        answer: int | Problem = GONE if secret is None else _try(one, secret, settings, resolver, transport)
        taken = isinstance(answer, int) and 200 <= answer < 300
        outcome = f"status {answer}" if isinstance(answer, int) else answer.reason
        metrics.deliveries.labels("taken" if taken else "refused").inc()
        logger.info("webhook", outcome=outcome, attempt=one.attempts)
        if taken:
            record_try(database, one.id, "delivered", outcome, now())
        elif answer == GONE or one.attempts >= settings.webhook_tries:
            record_try(database, one.id, "failed", outcome, now())
        else:
            record_try(database, one.id, "waiting", outcome, now() + pause(one.attempts))
    return len(due)


def pause(attempts: int) -> float:
    """Seconds until the next try: growing, and different for every message, so that they do not come all at once."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 4.0 ** (attempts - 1)) * random.uniform(0.8, 1.2)  # noqa: S311 - no secret


def _try(
    one: Delivery, secret: str, settings: ServiceSettings, resolver: Resolver, transport: httpx2.BaseTransport | None
) -> int | Problem:
    timestamp = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "webhook-id": one.id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(secret, one.id, timestamp, one.body),
    }
    seconds = settings.webhook_seconds
    return post(one.url, one.body.encode(), headers, seconds=seconds, resolver=resolver, transport=transport)
