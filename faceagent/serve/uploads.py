"""Pictures in requests: multipart form, JSON with base64, or a URL. They stay in memory and are not kept.

A URL is fetched here under the rules of ``intake.fetch``, before the picture is queued, so that a slow server holds up
nobody else. Nothing that a client sends is ever taken for a path.
"""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, TypeVar, get_origin

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from faceagent.intake import NamedBytes
from faceagent.intake.fetch import fetch
from faceagent.intake.sources import printable_name
from faceagent.serve import cases
from faceagent.serve.errors import ApiError, unprocessable
from faceagent.serve.requests import AnalysisOptions
from faceagent.serve.service import Service
from faceagent.settings import Settings
from faceagent.storage.database.api_keys import ApiKey
from faceagent.types import Problem

MOST_REFERENCES = 20
MOST_FIELDS = 200
MOST_FILES = 10_000
LONGEST_NAME = 200
UNNAMED = "upload"
INLINE_BYTES = 16 * 2**10
"""Bodies up to this size are read in the event loop itself: it takes less time than a thread does."""

Body = TypeVar("Body", bound=BaseModel)


BASE64: dict[str, Any] = {"type": "string", "format": "byte"}
Base64 = Annotated[str, WithJsonSchema(BASE64)]


class PictureBody(AnalysisOptions):
    """A picture as JSON: ``image`` or ``url``."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["image"], "properties": {"image": BASE64, "url": {"type": "null"}}},
                {"required": ["url"], "properties": {"url": {"type": "string"}, "image": {"type": "null"}}},
            ]
        }
    )

    image: str | None = Field(default=None, description="base64, or a data: URL")
    url: str | None = Field(
        default=None,
        description="http or https, at a public address; or case:ID, the picture that was kept with a case",
        max_length=4096,
    )
    references: tuple[Base64, ...] = Field(
        default=(), max_length=MOST_REFERENCES, description="pictures of the person to compare with, as image"
    )
    name: str = Field(default=UNNAMED, max_length=LONGEST_NAME, description="what to call the picture in the report")
    keep: bool = Field(default=False, description="keep the picture as long as the report, to show it there")

    @property
    def options(self) -> AnalysisOptions:
        """The options alone."""
        return AnalysisOptions.model_validate({name: getattr(self, name) for name in AnalysisOptions.model_fields})


OfPicture = TypeVar("OfPicture", bound=PictureBody)


class Upload(NamedTuple):
    """One file of a form."""

    data: bytes
    name: str


Files = dict[str, list[Upload]]


class Submission(NamedTuple):
    """A picture and its references."""

    data: bytes
    name: str
    references: tuple[NamedBytes, ...]


async def read_body(request: Request, model: type[Body], files: Sequence[str]) -> tuple[Body, Files]:
    """The fields of a request as ``model``, and the files of its form by field. Raises ApiError and ValidationError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return await validated(model, await request.body()), {}
    if kind != "multipart/form-data":
        raise ApiError(415, "Send application/json or multipart/form-data.")
    try:
        async with request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS) as form:
            found = {name: [await _upload(one) for one in form.getlist(name)] for name in files}
            fields = _fields(model, form, files)
            long = sum(len(one) for one in fields.values() if isinstance(one, str)) > INLINE_BYTES
            return await run_in_threadpool(model.model_validate, fields) if long else model.model_validate(
                fields
            ), found
    except HTTPException as error:
        raise ApiError(400, f"The form cannot be read: {error.detail}") from None


async def validated(model: type[Body], data: bytes) -> Body:
    """JSON as ``model``; in a thread where it takes long, for nobody else is answered meanwhile."""
    if len(data) <= INLINE_BYTES:
        return model.model_validate_json(data)
    return await run_in_threadpool(model.model_validate_json, data)


async def _upload(given: UploadFile | str) -> Upload:
    if isinstance(given, str):
        return Upload(given.encode(), UNNAMED)
    return Upload(await given.read(), clean_name(given.filename))


def clean_name(name: str | None) -> str:
    """The name of an uploaded file as it can stand in a report: its last part, bounded."""
    return printable_name((name or UNNAMED).replace("\\", "/").rpartition("/")[2][:LONGEST_NAME] or UNNAMED)


def _fields(model: type[BaseModel], form: FormData, files: Sequence[str]) -> dict[str, Any]:
    """The text fields of a form; one that the model knows as a list may be there several times."""
    found: dict[str, Any] = {}
    for name in form:
        if name in files:
            continue
        values = [one for one in form.getlist(name) if isinstance(one, str) and one]
        many = name in model.model_fields and get_origin(model.model_fields[name].annotation) is tuple
        if many:
            found[name] = _listed(name, values)
        elif values:
            found[name] = values[-1]
    return found


def _listed(name: str, values: Sequence[str]) -> list[str]:
    """The entries of a field that may stand several times. Names of questions may also stand in one, with commas.

    A comma is a part of a URL and of a data: URL.
    """
    parts = [part for value in values for part in value.split(",")] if name == "questions" else values
    return [part.strip() for part in parts if part.strip()]


async def read_picture(
    request: Request, service: Service, key: ApiKey, model: type[OfPicture]
) -> tuple[OfPicture, Submission]:
    """The picture of a request and what is asked about it. Raises ApiError and ValidationError."""
    body, files = await read_body(request, model, ("image", "references"))
    uploads = files.get("image", [])
    given = (body.image is not None) + (body.url is not None) + len(uploads)
    if given != 1:
        raise unprocessable("body.image", "Send one picture: image or url.")
    sent = (body, files)
    large = sum(map(len, (body.image or "", *body.references))) > INLINE_BYTES
    data, references = await run_in_threadpool(_given, *sent) if large else _given(*sent)
    if data is not None:
        name = uploads[0].name if uploads and body.name == UNNAMED else clean_name(body.name)
        return body, Submission(data, name, references)
    if body.url and body.url.startswith(cases.OF_CASE):
        case = await run_in_threadpool(cases.find_kept, service, key, body.url, "body.url")
        name = cases.report_of(case).source if body.name == UNNAMED else clean_name(body.name)
        return body, Submission(case.picture or b"", name, references)
    fetched = await run_in_threadpool(fetch_picture, body.url or "", service.analysis)
    if isinstance(fetched, Problem):
        raise unprocessable("body.url", f"The URL gives no picture: {fetched.message}", code=fetched.reason)
    return body, Submission(fetched, clean_name(body.name), references)


def _given(body: PictureBody, files: Files) -> tuple[bytes | None, tuple[NamedBytes, ...]]:
    """The picture, where the request itself holds it, and the references. Raises ApiError (422)."""
    uploads = files.get("image", [])
    data = uploads[0].data if uploads else None
    if body.image is not None:
        data = decode_image(body.image, "body.image")
    return data, references_of(body.references, files)


def references_of(given: Sequence[str], files: Files) -> tuple[NamedBytes, ...]:
    """The references of a request, from its form or in base64, which has no name. Raises ApiError (422)."""
    sent = files.get("references", [])
    if len(sent) > MOST_REFERENCES:
        raise unprocessable("body.references", f"There may be up to {MOST_REFERENCES} references.")
    return (
        *(NamedBytes(one.name, one.data) for one in sent),
        *(
            NamedBytes(f"reference {place + 1}", decode_image(text, f"body.references.{place}"))
            for place, text in enumerate(given)
        ),
    )


def fetch_picture(url: str, settings: Settings) -> bytes | Problem:
    """The bytes behind a URL, under the rules of ``intake.fetch``."""
    return fetch(url, settings)


def decode_image(text: str, field: str) -> bytes:
    """The bytes of base64 or of a ``data:`` URL. Raises ApiError (422) with the field."""
    if text[:5].lower() == "data:":
        header, _, text = text.partition(",")
        if not header.lower().endswith(";base64"):
            raise unprocessable(field, "A data: URL has to be base64.")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise unprocessable(field, "This is not base64.") from None
