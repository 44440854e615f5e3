"""Webhooks are checked as the Standard Webhooks specification says; its own example is the first test."""

import base64
import hashlib
import hmac
import json
import time

import pytest

from faceagent.client import ServiceError, verify_webhook

SECRET = "whsec_" + base64.b64encode(b"a secret of this test").decode()
BODY = json.dumps({"type": "job.ended", "job_id": "job_1", "state": "done", "at": 1.5}).encode()


def signed(
    body: bytes = BODY, *, secret: str = SECRET, at: float | None = None, message: str = "msg_1"
) -> dict[str, str]:
    timestamp = str(int(time.time() if at is None else at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{message}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"Webhook-Id": message, "Webhook-Timestamp": timestamp, "Webhook-Signature": signature}


def test_the_example_of_the_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    monkeypatch.setattr(time, "time", lambda: 1614265330.0)
    with pytest.raises(ServiceError) as caught:
        verify_webhook(b'{"test": 2432232314}', headers, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    # The signature holds; it is no event of this service.
    assert caught.value.code == "not_understood"


def test_a_message_of_the_service_is_an_event() -> None:
    event = verify_webhook(BODY, signed(), SECRET)
    assert (event.job_id, event.state, event.at) == ("job_1", "done", 1.5)


def test_one_right_signature_among_several_is_enough() -> None:
    headers = signed()
    headers["Webhook-Signature"] = f"v1,AAAA v2,x {headers['Webhook-Signature']}"
    assert verify_webhook(BODY, headers, SECRET).job_id == "job_1"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**signed(), "Webhook-Signature": ""},
        {**signed(), "Webhook-Signature": "v1,AAAA"},
        {**signed(), "Webhook-Signature": "v1,ä"},
        {**signed(), "Webhook-Id": "msg_2"},
        {**signed(), "Webhook-Timestamp": str(int(time.time()) + 1)},
        signed(b"{}"),
        signed(secret="whsec_" + base64.b64encode(b"another").decode()),
    ],
)
def test_whatever_was_changed_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ServiceError, match="webhook_invalid|missing|wrong") as caught:
        verify_webhook(BODY, headers, SECRET)
    assert caught.value.code == "webhook_invalid"


@pytest.mark.parametrize("seconds", [-301, -1e9, 302, 1e12])
def test_old_messages_and_those_from_the_future_are_refused(seconds: float) -> None:
    with pytest.raises(ServiceError, match="seconds old") as caught:
        verify_webhook(BODY, signed(at=time.time() + seconds), SECRET)
    assert caught.value.code == "webhook_invalid"


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_###"])
def test_a_secret_that_is_none_verifies_nothing(secret: str) -> None:
    with pytest.raises(ServiceError, match="secret"):
        verify_webhook(BODY, signed(), secret)
