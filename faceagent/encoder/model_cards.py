"""What the cards of the shipped adapters say about their limits; reads text, loads no network."""

import json
from importlib import resources

LIMITS = "## Where it fails"
CARDS = ("branch.json", "card.json")
"""Names the files of an adapter: one of the two, by whether it is a branch or reads tokens."""


def limits_of(adapter: str, sha256: str) -> str | None:
    """The section on limits of an adapter's card, as one paragraph; None where the card is of other weights."""
    folder = resources.files("faceagent.encoder").joinpath("adapters", adapter)
    try:
        card = next(folder.joinpath(name) for name in CARDS if folder.joinpath(name).is_file())
        files = json.loads(card.read_text(encoding="utf-8"))["files"]
        text = folder.joinpath("README.md").read_text(encoding="utf-8")
    except (OSError, ValueError, KeyError, StopIteration):
        return None
    if sha256 not in files.values() or LIMITS not in text:
        return None
    section = text.partition(LIMITS)[2].partition("\n## ")[0]
    lines = [line.strip().removeprefix("- ").replace("**", "").replace("`", "") for line in section.splitlines()]
    return " ".join(line for line in lines if line) or None
