"""HTTP client of an OpenAI-compatible endpoint: sends JSON, receives JSON or a stream of events.

Knows paths, status codes, limits and retries; knows nothing of models, questions or answers. Every failure is a
ModelUnavailable with a remedy. The key is sent, and never logged or put into an exception, even when the endpoint
repeats it.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import httpx2
from pydantic import SecretStr

from faceagent.errors import ModelUnavailable

CONNECT_SECONDS = 5.0
FIRST_PAUSE = 0.5
"""Seconds before the first retry; doubled before every further one."""
MOST_BYTES = 8 * 2**20
"""Most bytes of one response or one whole stream; usable answers are far smaller."""
QUOTED = 300
"""Characters of an endpoint's error message that an error quotes."""

Method = Literal["GET", "POST"]
_REMEDIES: Mapping[int, str] = {
    401: "Set FACEAGENT_VLM_KEY to the endpoint's key.",
    403: "Set FACEAGENT_VLM_KEY to a key that may use this model.",
    404: "Check FACEAGENT_VLM_ENDPOINT (it usually ends in /v1) and FACEAGENT_VLM_MODEL.",
    429: "It is asked too often: wait, or analyse fewer pictures at a time (FACEAGENT_WORKERS).",
}


class HttpClient:
    """One endpoint. Safe to use from many threads.

    Args:
        endpoint: base URL, ``/v1`` included.
        key: sent as a bearer token; None sends none.
        seconds: whole time of one request, its retries included.
        retries: how often a request is repeated after a failed connection or a 5xx answer; only these are repeated.
    """

    def __init__(self, endpoint: str, key: SecretStr | None, seconds: float, retries: int) -> None:
        self.endpoint = endpoint.rstrip("/")
        self._key, self._seconds, self._retries = key, seconds, retries
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        host = httpx2.URL(self.endpoint).host
        self._client = httpx2.Client(
            headers=headers,
            timeout=httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
            # A proxy cannot reach this machine's own ports.
            trust_env=host not in ("127.0.0.1", "localhost", "::1"),
            limits=httpx2.Limits(max_connections=None),
        )

    def json(self, method: Method, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The endpoint's answer, parsed. Raises ModelUnavailable for every failure."""
        with self._answered(method, path, body) as answer:
            try:
                return json.loads(answer.read())
            except ValueError as error:
                raise self._wrong_protocol(answer) from error

    def events(self, path: str, body: Mapping[str, Any]) -> Iterator[Any]:
        """The events of a streamed answer, parsed, as they arrive; ends when the endpoint sends ``[DONE]``.

        Raises ModelUnavailable for every failure, and when the stream breaks off.
        """
        with self._answered("POST", path, body) as answer:
            if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                answer.read()
                raise self._wrong_protocol(answer)
            for event in httpx2.EventSource(answer, max_event_size=MOST_BYTES):
                if event.data == "[DONE]":
                    return
                try:
                    value = event.json()
                except ValueError as error:
                    raise self._wrong_protocol(answer) from error
                if isinstance(value, dict) and "error" in value:
                    raise ModelUnavailable(f"The endpoint stopped during its answer: {self._message(value)}")
                yield value
        raise ModelUnavailable("The endpoint's answer broke off in the middle.", remedy="Is its server still running?")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    @contextmanager
    def _answered(self, method: Method, path: str, body: Mapping[str, Any] | None) -> Iterator[httpx2.Response]:
        """A response with status 200 whose body has not been read yet."""
        deadline = time.monotonic() + self._seconds
        try:
            answer = self._sent(method, path, body, deadline)
            try:
                answer.stream = _Bounded(answer.stream, deadline)
                if answer.status_code != httpx2.codes.OK:
                    raise self._refused(answer)
                yield answer
            finally:
                answer.close()
        except httpx2.TimeoutException as error:
            raise ModelUnavailable(
                f"{self.endpoint} did not answer within {self._seconds:g} s.",
                remedy="Raise FACEAGENT_VLM_SECONDS, or see what keeps the server busy.",
            ) from error
        except (httpx2.ConnectError, httpx2.ProxyError) as error:
            raise ModelUnavailable(
                f"{self.endpoint} cannot be reached: {error}.",
                remedy="Start a server with `faceagent vlm serve`, or set FACEAGENT_VLM_ENDPOINT.",
            ) from error
        except httpx2.HTTPError as error:
            raise ModelUnavailable(
                f"{self.endpoint} broke off its answer: {type(error).__name__} {error}".rstrip() + ".",
                remedy="Is its server still running? `faceagent vlm status` tells.",
            ) from error

    def _sent(self, method: Method, path: str, body: Mapping[str, Any] | None, deadline: float) -> httpx2.Response:
        """The response, after retries if needed."""
        pause, left = FIRST_PAUSE, self._retries
        while True:
            last = left == 0 or time.monotonic() + pause > deadline
            try:
                request = self._client.build_request(method, f"{self.endpoint}/{path}", json=body)
                answer = self._client.send(request, stream=True)
                if last or not answer.is_server_error:
                    return answer
                answer.close()
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                if last:
                    raise
            time.sleep(pause)
            pause, left = pause * 2, left - 1

    def _refused(self, answer: httpx2.Response) -> ModelUnavailable:
        try:
            message = self._message(json.loads(answer.read()))
        except ValueError:
            message = answer.reason_phrase
        default = "See the server's log." if answer.is_server_error else None
        return ModelUnavailable(
            f"{self.endpoint} answered {answer.status_code}: {message}",
            remedy=_REMEDIES.get(answer.status_code, default),
        )

    def _wrong_protocol(self, answer: httpx2.Response) -> ModelUnavailable:
        kind = answer.headers.get("content-type", "no content type")
        return ModelUnavailable(
            f"{self.endpoint} does not speak the OpenAI protocol: it sent something unexpected ({kind}).",
            remedy="Check FACEAGENT_VLM_ENDPOINT; it usually ends in /v1.",
        )

    def _message(self, value: Any) -> str:
        """The endpoint's error message, on one line, without the key."""
        for name in ("error", "message", "detail"):
            if isinstance(value, dict) and name in value:
                value = value[name]
        text = " ".join(str(value).split())
        if self._key and (secret := self._key.get_secret_value()):
            text = text.replace(secret, "***")
        return text[:QUOTED].rstrip(".") + "."


class _Bounded(httpx2.SyncByteStream):
    """A response's bytes with a limit on their number and on the time they take."""

    def __init__(self, inner: Any, deadline: float) -> None:
        self._inner, self._deadline = inner, deadline

    def __iter__(self) -> Iterator[bytes]:
        seen = 0
        for chunk in self._inner:
            seen += len(chunk)
            if seen > MOST_BYTES:
                raise ModelUnavailable(f"The endpoint sent more than {MOST_BYTES >> 20} MB for one answer.")
            if time.monotonic() > self._deadline:
                raise httpx2.ReadTimeout("the whole answer took too long")
            yield chunk

    def close(self) -> None:
        self._inner.close()
