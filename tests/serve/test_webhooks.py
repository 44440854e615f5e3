"""Webhooks: signed after the specification, tried again, and never sent to an address inside."""

from collections.abc import Callable

import httpx2
import pytest
from fake_service import Server, picture_bytes
from test_jobs import wait_for

from faceagent.serve.metrics import Metrics
from faceagent.serve.webhooks import deliver_due, pause, signature
from faceagent.storage.database.deliveries import add_delivery, delivery_log
from faceagent.storage.database.tables import deliveries

PNG = picture_bytes()


def test_the_signature_is_that_of_the_specification() -> None:
    secret, message, at = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
    made = signature(secret, message, at, '{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def deliver(server: Server, answers: list[int], address: str = "93.184.216.34") -> list[httpx2.Request]:
    """Try what is due; returns the requests that went out."""
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(answers.pop(0))

    service = server.service
    with service.database.write() as connection:
        connection.execute(deliveries.update().values(due=0.0))
    transport = httpx2.MockTransport(answer)
    deliver_due(
        service.database, service.settings, Metrics(), resolver=lambda host, port: [address], transport=transport
    )
    return sent


@pytest.fixture
def quiet(serve: Callable[..., Server]) -> Server:
    """A server whose own thread delivers nothing, so that the tests decide when."""
    return serve(poll_seconds=3600.0, webhook_tries=3)


def queue(server: Server) -> str:
    key_id = server.keys["submit"].key.id
    with server.service.database.write() as connection:
        add_delivery(connection, key_id, "job_1", "https://shop.example/hook?token=hush", '{"a": 1}')
    return server.keys["submit"].webhook_secret


def test_a_message_is_signed_and_tried_until_it_is_taken(quiet: Server) -> None:
    secret = queue(quiet)
    (first,), (second,) = deliver(quiet, [500]), deliver(quiet, [204])
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.url.host == "93.184.216.34" and first.headers["host"] == "shop.example"
    for one in (first, second):
        stamp = int(one.headers["webhook-timestamp"])
        made = signature(secret, one.headers["webhook-id"], stamp, one.content.decode())
        assert one.headers["webhook-signature"] == made
    assert deliver(quiet, [200]) == []
    (entry,) = delivery_log(quiet.service.database, "job_1")
    assert (entry["state"], entry["attempts"], entry["outcome"]) == ("delivered", 2, "status 204")


def test_tries_end(quiet: Server) -> None:
    queue(quiet)
    assert [len(deliver(quiet, [503])) for _ in range(5)] == [1, 1, 1, 0, 0]
    assert delivery_log(quiet.service.database, "job_1")[0]["state"] == "failed"


def test_a_receiver_that_is_gone_is_left_alone(quiet: Server) -> None:
    queue(quiet)
    assert [len(deliver(quiet, [410])) for _ in range(2)] == [1, 0]


def test_nothing_is_sent_to_an_address_inside(quiet: Server) -> None:
    queue(quiet)
    assert deliver(quiet, [200], address="10.0.0.7") == []
    assert delivery_log(quiet.service.database, "job_1")[0]["outcome"] == "fetch_refused"


def test_redirects_are_not_followed(quiet: Server) -> None:
    queue(quiet)
    assert len(deliver(quiet, [302])) == 1
    assert delivery_log(quiet.service.database, "job_1")[0]["state"] == "waiting"


def test_pauses_grow() -> None:
    assert pause(1) < pause(3) < pause(5) <= 1.2 * 4 * 3600


def test_the_end_of_a_job_is_a_message(serve: Callable[..., Server]) -> None:
    server = serve()
    asked = {"webhook": "https://192.0.2.1.shop.example/hook"}
    job_id = server.post("/v1/jobs", files={"image": ("a.png", PNG)}, data=asked).json()["id"]
    wait_for(server, job_id)
    (entry,) = server.get(f"/v1/jobs/{job_id}/deliveries").json()["deliveries"]
    assert entry["state"] == "waiting"
