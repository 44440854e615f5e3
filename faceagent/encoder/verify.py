"""Checks the weights of the encoder that come with the package, without loading a network."""

from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path

from faceagent.encoder import expression_head, occlusion
from faceagent.encoder.branch import HEAD, read_config
from faceagent.errors import ModelUnavailable
from faceagent.weights import Check

HEADS: Mapping[str, Callable[[Path], object]] = {
    "expression": expression_head.read_head,
    "occlusion": occlusion.read_head,
}
"""Readers of the heads on tokens, which are no branches and have a ``card.json``; by folder."""


def verify_shipped() -> list[Check]:
    """Every branch against its ``branch.json``, every head on tokens against its ``card.json``."""
    checks = []
    for folder in sorted(Path(str(resources.files("faceagent.encoder").joinpath("adapters"))).iterdir()):
        name = f"adapter_{folder.name}"
        try:
            HEADS.get(folder.name, read_config)(folder)
            checks.append(Check(name, "ok", folder / HEAD, ""))
        except ModelUnavailable as error:
            checks.append(Check(name, "corrupt", None, str(error), error.remedy))
    return checks
