"""The work behind the server's tools: arguments in, a result with its images and links out.

Blocking work runs in threads; a call that the client cancels ends after the tool that is running.
"""

import base64
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import NamedTuple

import anyio.to_thread
from mcp_types import ContentBlock, ImageContent, ResourceLink

from faceagent.errors import InputError
from faceagent.explain import summarize
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
from faceagent.serve.mcp.service import McpService, Wanted
from faceagent.settings import Settings
from faceagent.tools.base import ToolSpec
from faceagent.types import FrozenModel, Problem, Question, Report, Request, Style, SummaryLanguage

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


async def analyze(call: Call, arguments: AnalyzeArguments) -> Answer:
    """Whole reports on one or more pictures."""
    wanted = _wanted(call, arguments, arguments.questions, explain=arguments.explain)
    outcomes = await _outcomes(call, wanted, arguments.images, arguments.references)
    full, language, style = arguments.detail == "evidence", arguments.language, arguments.style
    result = AnalysisResult(pictures=tuple(_picture(one, language, style, full=full) for one in outcomes))
    return Answer(result, result.text, await _content(outcomes, overviews=True, show=arguments.show_images))


async def compare(call: Call, arguments: CompareArguments) -> Answer:
    """Whether the faces of a picture are the person of the references."""
    wanted = _wanted(call, arguments, ("identity",))
    outcomes = await _outcomes(call, wanted, (arguments.image,), arguments.references)
    result = AnalysisResult(pictures=tuple(_picture(one, arguments.language, None, full=False) for one in outcomes))
    return Answer(result, result.text, await _content(outcomes, overviews=True, show=arguments.show_images))


async def measure(call: Call, spec: ToolSpec, arguments: MeasureArguments) -> Answer:
    """The evidence of one tool, without verdicts."""
    references = arguments.references if isinstance(arguments, MeasureWithReferences) else ()
    explain = "vlm" if "model" in spec.needs else "ledger"
    wanted = _wanted(call, arguments, spec.questions, explain=explain, tool=spec.name)
    outcomes = await _outcomes(call, wanted, arguments.images, references)
    result = MeasurementResult(tool=spec.name, pictures=tuple(map(_measurement, outcomes)))
    return Answer(result, result.text, await _content(outcomes, overviews=False, show=arguments.show_images))


def _wanted(
    call: Call, rules: Rules, questions: Sequence[Question], *, explain: str | None = None, tool: str | None = None
) -> Wanted:
    settings = call.service.backend.settings
    return Wanted(
        questions=tuple(questions),
        purpose=rules.purpose or settings.purpose,
        jurisdiction=rules.jurisdiction or settings.jurisdiction,
        explain=explain,
        tool=tool,
    )


async def _outcomes(
    call: Call, wanted: Wanted, images: Sequence[str], references: Sequence[str]
) -> list[KeptReport | Loaded]:
    """For every picture, in order: the report on it, or what is wrong with the file. Raises InputError, PolicyRefusal.

    Policy decides before any picture is read.
    """
    backend = call.service.backend
    asked = Request(**wanted.model_dump(include=set(Request.model_fields)))
    review(asked, has_reference=bool(references))
    blobs = MemoryBlobs()
    async with call.service.limit:
        await call.progress(0, None, "reading")
        loaded, compared = [
            await anyio.to_thread.run_sync(load, names, backend.folders, blobs, backend.settings)
            for names in (images, references)
        ]
        for lost in compared:
            if isinstance(lost.data, Problem):
                raise InputError(f"The reference {lost.name} cannot be read: {lost.data.message}")
        readable, given = named_bytes(loaded), named_bytes(compared)
        made: list[KeptReport] = []
        async with aclosing(backend.analyse(wanted, readable, given)) as reports:
            for number, picture in enumerate(readable):
                await call.progress(number, len(readable), f"analysing {picture.name}")
                report = await anext(reports)
                made.append(await anyio.to_thread.run_sync(backend.reports.add, report, [picture, *given], call.owner))
        await call.progress(len(readable), len(readable), "done")
    ready = iter(made)
    return [one if isinstance(one.data, Problem) else next(ready) for one in loaded]


def _picture(
    outcome: KeptReport | Loaded, language: SummaryLanguage | None, style: Style | None, *, full: bool
) -> PictureResult:
    if isinstance(outcome, KeptReport):
        report = _worded(outcome.report, language, style, outcome.settings)
        return PictureResult.of(report, outcome.id, full=full)
    return PictureResult(source=outcome.name, problem=outcome.data if isinstance(outcome.data, Problem) else None)


def _worded(report: Report, language: SummaryLanguage | None, style: Style | None, settings: Settings) -> Report:
    """The report with its summary in that language and style; default: those of the settings."""
    if language is None and style is None:
        return report
    worded = summarize(
        report.verdicts,
        report.evidence,
        report.faces,
        style=style or settings.style,
        language=language or settings.language,
        everything=not report.request.questions,
        problem=report.problem,
        refused=report.policy,
    )
    return report.model_copy(update={"summary": worded})


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
