"""The vocabulary of files for the origin of a picture, and the terms in it that mean "made by a model".

Free text out of a file may name anything; only what these tables know is repeated in a statement. Sources: the
IPTC digital source type vocabulary, and the marks generators are known to leave.
"""

import re
from collections.abc import Iterable

SOURCE_TYPES = frozenset(
    {
        "algorithmicMedia", "algorithmicallyEnhanced", "composite", "compositeCapture", "compositeSynthetic",
        "compositeWithTrainedAlgorithmicMedia", "computationalCapture", "dataDrivenMedia", "digitalArt",
        "digitalCapture", "digitalCreation", "humanEdits", "minorHumanEdits", "negativeFilm", "positiveFilm",
        "print", "screenCapture", "softwareImage", "trainedAlgorithmicData", "trainedAlgorithmicMedia",
        "virtualRecording",
    }
)  # fmt: skip

SYNTHETIC = frozenset({"compositeWithTrainedAlgorithmicMedia", "trainedAlgorithmicData", "trainedAlgorithmicMedia"})
"""Source types that say a generative model made the picture or part of it."""

GENERATORS: dict[str, str] = {
    r"midjourney": "Midjourney",
    r"dall[\s·.-]?e\b": "DALL·E",
    r"openai|chatgpt|gpt-?(4o|image)": "OpenAI",
    r"stable[\s-]?diffusion|automatic1111": "Stable Diffusion",
    r"comfyui": "ComfyUI",
    r"novelai": "NovelAI",
    r"invoke[\s-]?ai": "InvokeAI",
    r"swarmui": "SwarmUI",
    r"fooocus": "Fooocus",
    r"sd\.next": "SD.Next",
    r"draw things": "Draw Things",
    r"easy diffusion": "Easy Diffusion",
    r"(adobe[ _])?firefly": "Adobe Firefly",
    r"\bgemini\b": "Gemini",
    r"google (generative )?ai|\bimagen\b": "Google AI",
    r"bing image creator|microsoft designer": "Microsoft Designer",
    r"leonardo\.ai": "Leonardo.Ai",
    r"ideogram": "Ideogram",
    r"\bflux\.?1\b|black forest labs": "FLUX",
    r"\bgrok\b": "Grok",
    r"stability ai|dreamstudio": "Stability AI",
    r"meta ai|imagined with ai": "Meta AI",
    r"recraft": "Recraft",
    r"seedream|doubao|jimeng": "Seedream",
    r"qwen-?image|tongyi": "Qwen-Image",
}
EDITORS: dict[str, str] = {
    r"photoshop": "Adobe Photoshop",
    r"lightroom": "Adobe Lightroom",
    r"\bgimp\b": "GIMP",
    r"affinity": "Affinity",
    r"snapseed": "Snapseed",
    r"picsart": "Picsart",
    r"facetune|lightricks": "Facetune",
    r"faceapp": "FaceApp",
    r"meitu": "Meitu",
    r"\bcanva\b": "Canva",
    r"pixlr": "Pixlr",
    r"paint\.net": "Paint.NET",
    r"capture one": "Capture One",
    r"luminar|skylum": "Luminar",
    r"remini": "Remini",
    r"imagemagick": "ImageMagick",
}


def source_type(uri: str) -> str:
    """The last part of an IPTC or C2PA digital source type URI; "other" when the vocabulary does not have it."""
    name = re.split(r"[/:#]", uri.strip().rstrip("/"))[-1]
    return name if name in SOURCE_TYPES else "other"


def known(table: dict[str, str], texts: Iterable[str]) -> tuple[str, ...]:
    """Names out of ``table`` whose pattern occurs in any of the texts, sorted, without repeats."""
    seen = [text.lower() for text in texts]
    return tuple(sorted({name for mark, name in table.items() if any(re.search(mark, text) for text in seen)}))


_NAME = re.compile(r"\w[\w .,&+/()'*-]{0,47}")


def camera_name(text: str) -> str:
    """The text where it reads like the name of a maker or model of a camera, else nothing.

    Such a name is short, has few words and no marks of a sentence, an address or a program's data, and is not that of
    a program that makes or edits pictures.
    """
    name = text.strip()
    if not _NAME.fullmatch(name) or len(name.split()) > 6 or not any(mark.isalnum() for mark in name):
        return ""
    return "" if known(GENERATORS, [name]) or known(EDITORS, [name]) else name
