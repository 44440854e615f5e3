"""The work behind the server's tools: arguments in, a result with its images and links out.

Blocking work runs in threads; a call that the client cancels ends after the tool that is running.
"""

import base64
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

import anyio.to_thread
from mcp_types import ContentBlock, ImageContent, ResourceLink

from faceagent.agent.analyst import Analyst
from faceagent.errors import InputError
from faceagent.intake import MemoryBlobs
from faceagent.policy import review
from faceagent.serve.mcp.access import Loaded, load, named_bytes
from faceagent.serve.mcp.arguments import (
    AnalyzeArguments,
    CompareArguments,
    MeasureArguments,
    MeasureWithReferences,
    Rules,
)
from faceagent.serve.mcp.recent import Content, KeptReport, map_uri, page_uri, report_uri
from faceagent.serve.mcp.results import AnalysisResult, Measurement, MeasurementResult, PictureResult
from faceagent.serve.mcp.service import McpService
from faceagent.tools.base import ToolSpec
from faceagent.types import FrozenModel, Problem, Question, Request

MOST_IMAGES = 8
"""Images in one answer; the others are resources."""

Progress = Callable[[float, float | None, str | None], Awaitable[None]]
"""Reports how far a call is: done, total, and what is being done."""


class Call(NamedTuple):
    """One call: who makes it, and where its progress goes."""

    service: McpService
    owner: str
    progress: Progress


class Answer(NamedTuple):
    """What a call gives back: structured content, the same as text, images and links."""

    result: FrozenModel
    text: str
    content: Sequence[ContentBlock] = ()


class _Subject(NamedTuple):
    """What is asked about which pictures."""

    images: Sequence[str]
    references: Sequence[str]
    questions: Sequence[Question]
    rules: Rules


async def analyze(call: Call, arguments: AnalyzeArguments) -> Answer:
    """Whole reports on one or more pictures."""
    analyst = call.service.analyst_for(arguments.language, arguments.style)
    subject = _Subject(arguments.images, arguments.references, arguments.questions, arguments)
    outcomes = await _outcomes(call, analyst, subject, explain=arguments.explain)
    full = arguments.detail == "evidence"
    result = AnalysisResult(pictures=tuple(_picture(one, full=full) for one in outcomes))
    return Answer(result, result.text, await _content(outcomes, overviews=True, show=arguments.show_images))


async def compare(call: Call, arguments: CompareArguments) -> Answer:
    """Whether the faces of a picture are the person of the references."""
    analyst = call.service.analyst_for(arguments.language, None)
    subject = _Subject((arguments.image,), arguments.references, ("identity",), arguments)
    outcomes = await _outcomes(call, analyst, subject)
    result = AnalysisResult(pictures=tuple(_picture(one, full=False) for one in outcomes))
    return Answer(result, result.text, await _content(outcomes, overviews=True, show=arguments.show_images))


async def measure(call: Call, spec: ToolSpec, arguments: MeasureArguments) -> Answer:
    """The evidence of one tool, without verdicts."""
    references = arguments.references if isinstance(arguments, MeasureWithReferences) else ()
    subject = _Subject(arguments.images, references, spec.questions, arguments)
    explain = "vlm" if "model" in spec.needs else "ledger"
    outcomes = await _outcomes(call, call.service.analyst_with(spec.name), subject, explain=explain)
    result = MeasurementResult(tool=spec.name, pictures=tuple(map(_measurement, outcomes)))
    return Answer(result, result.text, await _content(outcomes, overviews=False, show=arguments.show_images))


async def _outcomes(
    call: Call, analyst: Analyst, subject: _Subject, *, explain: str | None = None
) -> list[KeptReport | Loaded]:
    """For every picture, in order: the report on it, or what is wrong with the file. Raises InputError, PolicyRefusal.

    Policy decides before any picture is read.
    """
    service, settings = call.service, analyst.settings
    rules: dict[str, Any] = {
        "purpose": subject.rules.purpose or settings.purpose,
        "jurisdiction": subject.rules.jurisdiction or settings.jurisdiction,
    }
    review(Request(questions=tuple(subject.questions), **rules), has_reference=bool(subject.references))
    blobs = MemoryBlobs()
    async with service.limit:
        await call.progress(0, None, "reading")
        loaded, compared = [
            await anyio.to_thread.run_sync(load, names, service.folders, blobs, settings)
            for names in (subject.images, subject.references)
        ]
        for lost in compared:
            if isinstance(lost.data, Problem):
                raise InputError(f"The reference {lost.name} cannot be read: {lost.data.message}")
        readable, references = named_bytes(loaded), named_bytes(compared)
        options = {**rules, "questions": subject.questions, "references": references, "explain": explain}
        made: list[KeptReport] = []
        async with aclosing(analyst.aanalyze_many(readable, **options)) as reports:
            for number, picture in enumerate(readable):
                await call.progress(number, len(readable), f"analysing {picture.name}")
                made.append(service.recent.add(await anext(reports), [picture, *references], call.owner))
        await call.progress(len(readable), len(readable), "done")
    ready = iter(made)
    return [one if isinstance(one.data, Problem) else next(ready) for one in loaded]


def _picture(outcome: KeptReport | Loaded, *, full: bool) -> PictureResult:
    if isinstance(outcome, KeptReport):
        return PictureResult.of(outcome.report, outcome.id, full=full)
    return PictureResult(source=outcome.name, problem=outcome.data if isinstance(outcome.data, Problem) else None)


def _measurement(outcome: KeptReport | Loaded) -> Measurement:
    if isinstance(outcome, KeptReport):
        return Measurement.of(outcome.report, outcome.id)
    return Measurement(source=outcome.name, problem=outcome.data if isinstance(outcome.data, Problem) else None)


async def _content(outcomes: Sequence[KeptReport | Loaded], *, overviews: bool, show: bool) -> list[ContentBlock]:
    """Images first, as far as there is room for them, then links to everything that can be read."""
    kept = [one for one in outcomes if isinstance(one, KeptReport)]
    images = await anyio.to_thread.run_sync(_images, kept, overviews) if show else []
    links = [link for one in kept for link in _links(one)]
    return [*images, *links]


def _images(kept: Sequence[KeptReport], overviews: bool) -> list[ContentBlock]:
    found: list[ContentBlock] = []
    for one in kept:
        overview = one.overview() if overviews and len(found) < MOST_IMAGES else None
        if overview is not None:
            found.append(_image(overview, f"{one.report.source} with the faces marked"))
        for item in one.maps()[: max(0, MOST_IMAGES - len(found))]:
            found.append(_image(one.heat_map(item), f"{one.report.source}: heat map of {item.id}"))
    return found


def _image(content: Content, title: str) -> ImageContent:
    data = base64.b64encode(content.data).decode()
    return ImageContent(data=data, mime_type=content.mime_type, _meta={"title": title})


def _links(kept: KeptReport) -> list[ResourceLink]:
    name, id = kept.report.source, kept.id
    return [
        ResourceLink(uri=report_uri(id), name=f"{name} report.json", mime_type="application/json"),
        ResourceLink(uri=page_uri(id), name=f"{name} report.html", mime_type="text/html"),
        *(
            ResourceLink(uri=map_uri(id, item.id), name=f"{name} heat map {item.id}", mime_type="image/png")
            for item in kept.maps()
        ),
    ]
