"""Which generator of pictures a file's own texts declare, and with which model, by what the texts contain.

Programs that make pictures with a diffusion model write down how: as a graph of nodes, as a list of settings, as the
command that was typed. The form tells the program; the name of a field alone does not. Only names out of ``origins``
and of this module are repeated in statements; a model's name is foreign text and stays a fact.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from faceagent.intake.origins import GENERATORS, known
from faceagent.intake.text import clean

MOST_MODELS = 4
"""Models of one picture that are named."""
MOST_NODES = 4096
"""Nodes of a graph that are looked at."""
UNNAMED = "an unnamed generator"

_LENGTH = 80
_STEPS, _SAMPLER = re.compile(r"\bSteps: \d"), re.compile(r"\bSampler: ")
"""In the line that Stable Diffusion front ends write beside the prompt, the second behind the first."""
_LINE = 2**16
"""Characters of a text that are searched for what is no JSON."""
_SETTING = re.compile(r"\b(Model|Version|App): ([^,\n]{1,80})")
_MIDJOURNEY = re.compile(r"\bJob ID: [0-9a-f]{8}-[0-9a-f]{4}-")
_MIDJOURNEY_VERSION = re.compile(r"--(v|version|niji) (\d+(?:\.\d+)?)")
_SEED, _SCALE = re.compile(r"\s-S ?\d"), re.compile(r"\s-C ?\d")
"""Seed and scale in the command line of InvokeAI's first editions."""
_PREFIX = re.compile(r"\s*(?:workflow|prompt|parameters)\s*:\s*(?=[{\[])", re.IGNORECASE)
_MODEL_INPUTS = frozenset({"ckpt_name", "unet_name", "model_name", "diffusion_model"})
_MODEL_NODE = re.compile(r"checkpoint|unet|diffusion.?model", re.IGNORECASE)
_MODEL_FILE = re.compile(r"\.(safetensors|ckpt|gguf|pth|sft)$", re.IGNORECASE)
_PROMPTS = frozenset({"prompt", "positive_prompt", "positiveprompt", "full_prompt", "input"})
_KNOBS = frozenset(
    {"seed", "steps", "sampler", "sampler_name", "scheduler", "cfg", "cfg_scale", "cfgscale", "guidance_scale", "scale"}
    | {"negative_prompt", "negativeprompt", "uc", "num_inference_steps", "strength", "loras", "denoise"}
)

Fields = dict[str, Any]


class Declared(NamedTuple):
    """Generators by name, and the models they say they used, cleaned and short."""

    generators: tuple[str, ...] = ()
    models: tuple[str, ...] = ()


def declared(texts: Mapping[str, str]) -> Declared:
    """What the texts of one file declare.

    Args:
        texts: by the name of their field, as long as they are in the file.
    """
    found: list[tuple[str, str]] = []
    for name, text in texts.items():
        found += _in_text(name.lower(), text)
    names = {generator for generator, _ in found}
    if len(names) > 1:
        names.discard(UNNAMED)
    models = dict.fromkeys(model for _, raw in found if (model := clean(raw, _LENGTH)))
    return Declared(tuple(sorted(names)), tuple(models)[:MOST_MODELS])


def _in_text(name: str, text: str) -> Iterator[tuple[str, str]]:
    """Generator and model, which may be empty, for everything that one text declares."""
    value = _json(text)
    line = text[:_LINE]
    if isinstance(value, dict):
        yield from _in_json(name, value)
    elif (steps := _STEPS.search(line)) and _SAMPLER.search(line, steps.end()):
        yield from _in_settings(line)
    elif _MIDJOURNEY.search(line):
        version = _MIDJOURNEY_VERSION.search(line)
        yield "Midjourney", f"{'niji' if version[1] == 'niji' else 'v'} {version[2]}" if version else ""
    elif name == "dream" and _SEED.search(line) and _SCALE.search(line):
        yield "InvokeAI", ""


def _json(text: str) -> object:
    prefix = _PREFIX.match(text)
    body = text[prefix.end() :] if prefix else text
    if body.lstrip()[:1] != "{":
        return None
    try:
        return json.loads(body.rstrip("\0 \r\n\t"))
    except (ValueError, RecursionError):
        return None


def _in_settings(text: str) -> Iterator[tuple[str, str]]:
    settings = dict(_SETTING.findall(text))
    programs = known(GENERATORS, [settings.get("Version", ""), settings.get("App", "")])
    for program in programs or ("Stable Diffusion",):
        yield program, settings.get("Model", "")


def _in_json(name: str, value: Fields) -> Iterator[tuple[str, str]]:
    for reader in _READERS:
        found = list(reader(name, value))
        if found:
            yield from found
            return


def _comfyui(name: str, value: Fields) -> Iterator[tuple[str, str]]:
    """A graph: nodes by number with class and inputs (the API's form), or a list of nodes with links (the editor's)."""
    nodes = [node for node in list(value.values())[:MOST_NODES] if isinstance(node, dict)]
    calls = [node for node in nodes if isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)]
    if calls:
        yield "ComfyUI", ""
        for node in calls:
            for key, model in node["inputs"].items():
                if key in _MODEL_INPUTS and isinstance(model, str):
                    yield "ComfyUI", model
    elif isinstance(value.get("nodes"), list) and ("links" in value or "last_node_id" in value):
        yield "ComfyUI", ""
        for node in value["nodes"][:MOST_NODES]:
            yield from (("ComfyUI", model) for model in _loaded_models(node))
    elif name == "workflow" and "edges" not in value:
        yield "ComfyUI", ""


def _loaded_models(node: object) -> Iterator[str]:
    if isinstance(node, dict) and _MODEL_NODE.search(str(node.get("type"))):
        values = node.get("widgets_values")
        for value in values[:16] if isinstance(values, list) else ():
            if isinstance(value, str) and _MODEL_FILE.search(value):
                yield value


def _swarmui(name: str, value: Fields) -> Iterator[tuple[str, str]]:
    parameters = value.get("sui_image_params")
    if isinstance(parameters, dict):
        yield "SwarmUI", _model(parameters.get("model"))


def _invokeai(name: str, value: Fields) -> Iterator[tuple[str, str]]:
    """The first editions name themselves as the app, the later ones have fields of their own."""
    application = str(value.get("app_id", ""))
    if "invoke" in application.lower() or name.startswith("invokeai") or name == "sd-metadata":
        yield "InvokeAI", _model(value.get("model_weights")) or _model(value.get("model"))


def _fooocus(name: str, value: Fields) -> Iterator[tuple[str, str]]:
    version = next((str(value[key]) for key in ("version", "Version") if key in value), "")
    if "fooocus" in version.lower() or ("base_model" in value and {"performance", "adm_guidance", "styles"} & {*value}):
        yield "Fooocus", _model(value.get("base_model") or value.get("Base Model"))


def _novelai(name: str, value: Fields) -> Iterator[tuple[str, str]]:
    if "signed_hash" in value or {"uc", "sampler", "steps"} <= {*value}:
        yield "NovelAI", ""


def _any(name: str, value: Fields) -> Iterator[tuple[str, str]]:
    """Settings of a diffusion model in a form of its own: a prompt, and at least two of what steers sampling."""
    keys = {str(key).lower().replace(" ", "_") for key in list(value)[:MOST_NODES]}
    if keys & _PROMPTS and len(keys & _KNOBS) >= 2:
        yield UNNAMED, _model(value.get("model") or value.get("Model"))


_READERS: tuple[Callable[[str, Fields], Iterator[tuple[str, str]]], ...] = (
    _swarmui,
    _invokeai,
    _fooocus,
    _comfyui,
    _novelai,
    _any,
)


def _model(value: object) -> str:
    """A model's name, which newer programs keep in an object of its own."""
    if isinstance(value, dict):
        value = value.get("model_name") or value.get("name") or value.get("key")
    return value if isinstance(value, str) else ""
