"""Lives in vLLM's environment, never in ours: mends torchvision at its first import there.

``environment`` copies this file beside a copy of ``encoder/torchvision_ops.py`` and has Python load it at start by a
``.pth`` line. vLLM's InternVL imports torchvision, whose compiled part a CPU build of torch cannot load. torch itself
is not imported before torchvision is. Standard library only.
"""

import contextlib
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

OPERATORS = "faceagent_torchvision_ops"
"""Name under which the module with the declarations lies in that environment."""

_kept: list[Any] = []


class Mend(MetaPathFinder):
    """Finds torchvision as usual, and declares its operators just before it runs."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """See ``MetaPathFinder.find_spec``; every other module is left to the usual finders."""
        spec = PathFinder.find_spec(name, path) if name == "torchvision" else None
        if spec is None or spec.loader is None:
            return None
        usual = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            declare = __import__(OPERATORS).declare
            # Twice in one process happens when a first import failed; the operators are there then.
            with contextlib.suppress(RuntimeError):
                _kept.append(declare())
            usual(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def install() -> None:
    """Put the mend before Python's own finders."""
    sys.meta_path.insert(0, Mend())
