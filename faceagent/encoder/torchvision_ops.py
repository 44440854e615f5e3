"""A mend for torchvision beside a CPU-only torch.

Every torchvision wheel is linked against CUDA. Beside a CPU build of torch its compiled operators do not load,
and the first ``import torchvision`` (open_clip and timm do it) dies because two names are undeclared. Declaring
them is enough: nothing here ever calls them. This module is the only place that knows them; a copy of it goes into
vLLM's environment, so it imports nothing of faceagent.
"""

import importlib.util
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.library import Library

_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


@cache
def declare_missing_operators() -> "tuple[Library, ...]":
    """Declare torchvision's two NMS operators when its compiled part cannot. Call before importing open_clip or timm.

    Returns what keeps the declarations alive; empty when they were not needed.
    """
    if importlib.util.find_spec("torchvision") is None or _compiled_part_works():
        return ()
    return (declare(),)


def declare() -> "Library":
    """Declare the operators, which live as long as what is returned. Raises RuntimeError when they are there."""
    from torch.library import Library

    library = Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(name + _SIGNATURE)
    return library


def _compiled_part_works() -> bool:
    try:
        import torchvision  # type: ignore[import-untyped]  # noqa: F401
    except (RuntimeError, ImportError, OSError):
        return False
    return True
