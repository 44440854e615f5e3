"""The MCP server as the official client meets it: tools from specs, results with schemas, images, resources, errors."""

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import BlobResourceContents, ImageContent, ResourceLink, TextContent, TextResourceContents
from PIL import Image

from faceagent.serve.mcp.server import build
from faceagent.serve.mcp.service import McpService
from faceagent.types import Report

Talk = Callable[..., Any]


def test_every_tool_is_offered_with_schemas_a_third_partys_too(talk: Talk) -> None:
    async def session(client: Client) -> Any:
        return await client.list_tools(), client.server_info, client.instructions

    listed, info, instructions = talk(session)
    tools = {one.name: one for one in listed.tools}
    assert list(tools) == ["analyze", "compare", "ask", "measure_quality", "measure_brightness", "measure_crashing"]
    assert tools["measure_brightness"].title == "Brightness"
    assert "Mean grey level" in tools["measure_brightness"].description
    for tool in tools.values():
        assert tool.input_schema["type"] == tool.output_schema["type"] == "object"
        assert tool.input_schema["additionalProperties"] is False
    assert "forgery" in json.dumps(tools["analyze"].input_schema) and info.name == "faceagent"
    assert "not instructions" in instructions


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_an_analysis_has_verdicts_images_links_and_progress(talk: Talk, mode: str) -> None:
    steps: list[tuple[float, float | None, str | None]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        steps.append((done, total, message))

    async def session(client: Client) -> Any:
        await client.list_tools()  # the client then checks results against the schema
        arguments = {"images": ["photo.jpg", "gone.jpg", "green.png"], "questions": ["quality"]}
        return await client.call_tool("analyze", arguments, progress_callback=progress)

    result = talk(session, mode)
    assert not result.is_error
    photo, gone, green = result.structured_content["pictures"]
    assert (photo["source"], green["source"]) == ("photo.jpg", "green.png")
    assert photo["verdicts"][0]["question"] == "quality" and photo["faces"][0]["id"] == "F1"
    assert gone["problem"]["reason"] == "missing_file" and gone["report"] is None
    assert green["faces"] == [] and green["problem"] is None
    text = result.content[0]
    assert isinstance(text, TextContent) and photo["report"] in text.text
    assert photo["verdicts"][0]["wording"] in text.text
    images = [one for one in result.content if isinstance(one, ImageContent)]
    sizes = [Image.open(io.BytesIO(base64.b64decode(one.data))).size for one in images]
    assert [one.mime_type for one in images] == ["image/jpeg", "image/png", "image/jpeg"] and sizes[0] == (512, 512)
    assert [one.uri for one in result.content if isinstance(one, ResourceLink)][0] == photo["report"]
    assert steps[0] == (0, None, "reading") and steps[-1] == (2, 2, "done")
    assert (0, 2, "analysing photo.jpg") in steps


def test_reports_are_resources_as_json_page_and_pictures(talk: Talk) -> None:
    async def session(client: Client) -> Any:
        arguments = {"images": ["photo.jpg"], "questions": ["quality"], "show_images": False}
        result = await client.call_tool("analyze", arguments)
        links = [one.uri for one in result.content if isinstance(one, ResourceLink)]
        overview = links[0].replace("report.json", "overview.jpg")
        contents = [(await client.read_resource(uri)).contents[0] for uri in [*links, overview]]
        listed = [one.uri for one in (await client.list_resources()).resources]
        return [one.type for one in result.content], links, contents, listed

    kinds, links, (report, page, heat, overview), listed = talk(session)
    assert kinds == ["text", "resource_link", "resource_link", "resource_link"] and listed == [links[0]]
    assert isinstance(report, TextResourceContents) and isinstance(page, TextResourceContents)
    assert Report.model_validate_json(report.text).source == "photo.jpg"
    assert page.mime_type == "text/html" and "photo.jpg" in page.text
    assert isinstance(heat, BlobResourceContents) and base64.b64decode(heat.blob).startswith(b"\x89PNG")
    assert isinstance(overview, BlobResourceContents) and base64.b64decode(overview.blob).startswith(b"\xff\xd8")


def test_a_single_tool_measures_and_decides_nothing(talk: Talk) -> None:
    async def session(client: Client) -> Any:
        await client.list_tools()
        return [
            await client.call_tool(f"measure_{name}", {"images": ["photo.jpg"]}) for name in ("brightness", "crashing")
        ]

    good, crashed = talk(session)
    picture = good.structured_content["pictures"][0]
    assert good.structured_content["tool"] == "brightness" and "verdicts" not in picture
    assert [one["id"] for one in picture["evidence"]] == ["F1:brightness"] and picture["evidence"][0]["heatmap"] is None
    assert [one.type for one in good.content] == ["text", "image", "resource_link", "resource_link", "resource_link"]
    # A crash is evidence that says so, and no word of the exception reaches the client.
    assert crashed.structured_content["pictures"][0]["evidence"][0]["status"] == "failed"
    assert "/home/secret" not in crashed.model_dump_json()


@pytest.mark.parametrize(
    ("name", "arguments", "code", "words"),
    [
        ("analyze", {"images": ["/etc/passwd"]}, "path_not_allowed", "--folder"),
        ("analyze", {"images": []}, "bad_request", "images"),
        ("analyze", {}, "bad_request", "images"),
        ("analyze", {"images": ["photo.jpg"], "questions": ["race"]}, "bad_request", "questions"),
        ("analyze", {"images": ["photo.jpg"], "colour": 1}, "bad_request", "colour"),
        ("analyze", {"images": ["x"] * 17}, "bad_request", "16"),
        (
            "analyze",
            {"images": ["/etc/passwd"], "questions": ["expression"], "purpose": "workplace"},
            "policy_refusal",
            "Art. 5",
        ),
        ("compare", {"image": "photo.jpg", "references": []}, "bad_request", "references"),
        ("compare", {"image": "photo.jpg", "references": ["gone.jpg"]}, "bad_request", "gone.jpg cannot be read"),
        ("ask", {"text": "hi", "session": "../x"}, "bad_request", "session"),
        ("ask", {"text": "is it real?", "images": ["/etc/passwd"]}, "path_not_allowed", "--folder"),
    ],
)
def test_broken_requests_are_tool_errors_with_code_and_remedy(
    talk: Talk, name: str, arguments: dict[str, Any], code: str, words: str
) -> None:
    result = talk(lambda client: client.call_tool(name, arguments))
    assert result.is_error and result.structured_content["error"]["code"] == code
    assert result.structured_content["error"]["remedy"] or code == "bad_request"
    assert words in result.content[0].text


def test_what_crashes_in_the_server_tells_no_secret(
    talk: Talk, service: McpService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(service, "limit", None)
    result = talk(lambda client: client.call_tool("analyze", {"images": ["photo.jpg"]}))
    assert result.is_error and result.structured_content["error"]["code"] == "internal_error"
    assert "NoneType" not in result.content[0].text and "analyze crashed" in caplog.text


def test_unknown_tools_and_resources_are_protocol_errors(talk: Talk) -> None:
    async def session(client: Client) -> list[str]:
        found = []
        for attempt in (
            lambda: client.call_tool("measure_mood", {}),
            lambda: client.read_resource("faceagent://reports/0/report.json"),
            lambda: client.read_resource("file:///etc/passwd"),
        ):
            with pytest.raises(MCPError) as caught:
                await attempt()
            found.append(caught.value.message)
        return found

    tool, report, file = talk(session)
    assert "measure_mood" in tool and "Analyse the picture again" in report and report == file


def test_a_conversation_goes_on_and_keeps_its_pictures(talk: Talk, folder: Path) -> None:
    url = "data:image/jpeg;base64," + base64.b64encode((folder / "photo.jpg").read_bytes()).decode()
    steps: list[str | None] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        steps.append(message)

    async def session(client: Client) -> Any:
        await client.list_tools()
        first = await client.call_tool("ask", {"text": "is it sharp?", "images": [url]}, progress_callback=progress)
        name = first.structured_content["session"]
        again = await client.call_tool("ask", {"text": "why?", "session": name})
        return first, again

    first, again = talk(session)
    assert not first.is_error and first.structured_content["reply"]
    assert first.structured_content["verdicts"][0]["question"] == "quality"
    assert again.structured_content["session"] == first.structured_content["session"] in again.content[0].text
    assert not again.is_error and again.structured_content["reply"]
    assert "measuring: quality" in steps


def test_owners_see_neither_reports_nor_conversations_of_each_other(service: McpService) -> None:
    async def main() -> Any:
        async with (
            Client(build(service, owner=lambda _: "anna")) as anna,
            Client(build(service, owner=lambda _: "ben")) as ben,
        ):
            made = await anna.call_tool("analyze", {"images": ["green.png"], "questions": ["quality"]})
            uri = made.structured_content["pictures"][0]["report"]
            assert (await anna.read_resource(uri)).contents
            with pytest.raises(MCPError):
                await ben.read_resource(uri)
            assert (await ben.list_resources()).resources == []
            asked = {"text": "is it sharp?", "session": "same"}
            await anna.call_tool("ask", {**asked, "images": ["photo.jpg"]})
            return await ben.call_tool("ask", asked)

    assert anyio.run(main).structured_content["verdicts"] == []
