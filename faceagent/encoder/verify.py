"""Checks the weights of the encoder that come with the package, without loading a network."""

from importlib import resources
from pathlib import Path

from faceagent.encoder.branch import HEAD, read_config
from faceagent.encoder.occlusion import CARD, read_head
from faceagent.errors import ModelUnavailable
from faceagent.weights import Check


def verify_shipped() -> list[Check]:
    """Every branch against its ``branch.json``, the occlusion head against its ``card.json``."""
    checks = []
    for folder in sorted(Path(str(resources.files("faceagent.encoder").joinpath("adapters"))).iterdir()):
        name = f"adapter_{folder.name}"
        try:
            if (folder / CARD).is_file():
                read_head(folder)
            else:
                read_config(folder)
            checks.append(Check(name, "ok", folder / HEAD, ""))
        except ModelUnavailable as error:
            checks.append(Check(name, "corrupt", None, str(error), error.remedy))
    return checks
