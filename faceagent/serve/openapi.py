"""Parts of the OpenAPI document that FastAPI does not write: bodies that routes read by themselves, links, events."""

from typing import Any

from pydantic import BaseModel

EVENTS: dict[str, Any] = {
    "text/event-stream": {
        "itemSchema": {
            "type": "object",
            "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
            "required": ["data"],
        }
    }
}
"""Server-sent events, as OpenAPI 3.2 describes them."""


def link(operation: str, parameter: str, source: str) -> dict[str, Any]:
    """An OpenAPI link: a field of the answer is the parameter of another operation."""
    return {"operationId": operation, "parameters": {parameter: f"$response.body#/{source}"}}


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """The description of a JSON body that a route reads by itself."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": _inlined(model)}}}}


def _inlined(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a model with every type written in place, for the document has no other use for them."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def resolved(part: Any) -> Any:
        if isinstance(part, list):
            return [resolved(one) for one in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return resolved(definitions[part["$ref"].rpartition("/")[2]])
        return {name: resolved(one) for name, one in part.items() if name != "discriminator"}

    found: dict[str, Any] = resolved(schema)
    return found


def openapi_body(
    model: type[BaseModel], files: dict[str, str], *, many: tuple[str, ...] = (), needed: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The description of a body that is JSON by ``model`` or a form with the same fields and these files.

    Args:
        model: the JSON body.
        files: names of the form's files, each with its description.
        many: the files that may be there several times.
        needed: the files that have to be there.
    """
    schema = _inlined(model)
    plain = {name: field for name, field in schema["properties"].items() if name not in ("image", "references", "url")}
    binary: dict[str, Any] = {"type": "string", "format": "binary"}
    form = {
        name: {"type": "array", "items": binary, "description": words}
        if name in many
        else {**binary, "description": words}
        for name, words in files.items()
    }
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": schema},
                "multipart/form-data": {
                    "schema": {"type": "object", "properties": {**form, **plain}, "required": list(needed)},
                    "encoding": {"questions": {"style": "form", "explode": True}},
                },
            },
        }
    }
