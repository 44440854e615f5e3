"""What ``faceagent doctor`` finds: one line per check, with the command that repairs it."""

from typing import Literal, NamedTuple


class Finding(NamedTuple):
    """The result of one check; ``remedy`` is the command that repairs it."""

    state: Literal["ok", "optional", "missing"]
    what: str
    found: str
    remedy: str | None = None
