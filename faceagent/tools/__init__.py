"""The specialists, by name. A third party adds one through the entry-point group ``faceagent.tools``."""

from collections.abc import Callable

from faceagent.registry import Registry
from faceagent.settings import Settings
from faceagent.tools.base import Tool

TOOLS: Registry[Callable[[Settings], Tool]] = Registry("tool", group="faceagent.tools")

for _name, _target in {
    "quality": "quality:QualityTool",
    "action_units": "action_units:ActionUnits",
    "expression": "expression:Expression",
    "attributes": "attributes:Attributes",
    "spoof": "spoof:Spoof",
    "identity": "identity:Identity",
    "forgery": "forgery:Forgery",
    "morph": "morph:Morph",
    "morph_differential": "morph:MorphDifferential",
    "likeness": "likeness:Likeness",
    "opinion": "opinion:Opinion",
    "frequency": "frequency:Frequency",
    "provenance": "provenance:Provenance",
}.items():
    TOOLS.add(_name, f"faceagent.tools.{_target}")
