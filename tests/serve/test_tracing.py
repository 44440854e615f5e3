"""Spans: one per request and one per batch, linked; nothing in them that was not meant to leave."""

from collections.abc import Callable, Iterator

import pytest
from fake_service import Server, picture_bytes
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from faceagent.errors import SettingsError
from faceagent.serve import tracing

CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], dict[str, ReadableSpan]]]:
    """The spans so far, by name; of a provider of this test's own, for the process has one for good."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "tracer", provider.get_tracer("test"))
    yield lambda: {one.name: one for one in exporter.get_finished_spans()}
    provider.shutdown()


def test_a_request_and_its_batch_are_linked_within_the_callers_trace(
    serve: Callable[..., Server], spans: Callable[[], dict[str, ReadableSpan]]
) -> None:
    server = serve()
    answer = server.post(
        "/v1/analyze",
        files={"image": ("my-secret-name.png", picture_bytes())},
        headers={"traceparent": f"00-{CALLER}-00f067aa0ba902b7-01"},
    )
    assert answer.status_code == 200
    found = spans()
    request, batch = found["POST /v1/analyze"], found["analyse batch"]
    assert request.context is not None and f"{request.context.trace_id:032x}" == CALLER
    assert request.attributes is not None and request.attributes["http.response.status_code"] == 200
    assert batch.attributes is not None and batch.attributes["faceagent.pictures"] == 1
    assert [one.context for one in batch.links] == [request.context]
    text = request.to_json() + batch.to_json()
    assert "my-secret-name" not in text and server.keys["submit"].secret not in text


def test_ids_are_not_in_the_names_of_spans(server: Server, spans: Callable[[], dict[str, ReadableSpan]]) -> None:
    server.get("/v1/cases/case_123")
    server.client.get("/v1/cases/case_123")
    assert set(spans()) == {"GET /v1/cases/{case_id}", "GET (none)"}


def test_a_collector_without_an_exporter_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    tracing.set_up()  # nothing is named, so nothing is done
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_ENDPOINT"):
        tracing.set_up()
