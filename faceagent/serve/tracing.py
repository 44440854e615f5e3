"""OpenTelemetry spans: one per request, and one per model batch with links to the requests whose pictures are in it.

The API alone does nothing and costs next to nothing. Spans are sent only where ``OTEL_EXPORTER_OTLP_ENDPOINT`` names a
collector and the extra ``otel`` is installed. They hold routes, numbers and times; no path, name, picture or key.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import propagate, trace
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode

from faceagent.errors import SettingsError
from faceagent.types import Report
from faceagent.version import __version__

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
tracer = trace.get_tracer("faceagent.serve", __version__)


def set_up() -> None:
    """Send spans to the collector that the environment names, if any; called by the command, never by the library.

    Raises SettingsError where a collector is named and nothing is installed that could send.
    """
    named = next((name for name in ENDPOINTS if os.environ.get(name)), None)
    if named is None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise SettingsError(
            f"{named} is set, and the exporter is not installed.", remedy="pip install 'faceagent[otel]'"
        ) from None
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES count more than this.
    name = os.environ.get("OTEL_SERVICE_NAME", "faceagent")
    provider = TracerProvider(resource=Resource.create({"service.name": name, "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


@contextmanager
def request_span(method: str, headers: Mapping[str, str]) -> Iterator[Span]:
    """The span of a request, within the caller's trace where it has sent one (``traceparent``)."""
    caller = propagate.extract(headers)
    with tracer.start_as_current_span(
        method, caller, SpanKind.SERVER, {"http.request.method": method}, record_exception=False
    ) as span:
        yield span


def finish_request(span: Span, method: str, route: str, status: int) -> None:
    """What is known about a request once it is answered; ``route`` is the pattern, not the path."""
    span.update_name(f"{method} {route}")
    span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))


def here() -> SpanContext:
    """The span that is current, to be linked to from the batch."""
    return trace.get_current_span().get_span_context()


@contextmanager
def batch_span(requests: Sequence[SpanContext], tool: str | None) -> Iterator[Span]:
    """The span of one model batch."""
    links = [Link(one) for one in {one.span_id: one for one in requests if one.is_valid}.values()]
    attributes: dict[str, str | int] = {"faceagent.pictures": len(requests)}
    if tool is not None:
        attributes["faceagent.tool"] = tool
    with tracer.start_as_current_span("analyse batch", links=links, attributes=attributes) as span:
        yield span


def add_timings(span: Span, reports: Sequence[Report]) -> None:
    """How long each part of the work took per picture, in ms."""
    if reports and span.is_recording():
        for part, milliseconds in reports[0].manifest.timings_ms.items():
            span.set_attribute(f"faceagent.ms.{part}", milliseconds)
