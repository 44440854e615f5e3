"""Where a picture comes from, what was decoded of it, and why it could not be."""

from typing import Literal

from pydantic import Field

from faceagent.types.base import FrozenModel, Real
from faceagent.types.vocabulary import Reason


class Problem(FrozenModel):
    """A problem with the content of one item, as a code and as text. Never raised."""

    reason: Reason
    message: str
    remedy: str | None = None


class Source(FrozenModel):
    """Where a picture comes from: a path, a URL, or bytes already in the blob store."""

    kind: Literal["path", "url", "bytes"]
    ref: str = Field(description="the path, the URL, or the sha256 under which the bytes are stored")
    name: str = Field(description="what to call it in reports; never used as a path")
    notes: tuple[str, ...] = Field(default=(), description="what was changed to make a file of a picture in memory")
    problem: Problem | None = Field(default=None, description="why it is no picture, where that is known already")


class Picture(FrozenModel):
    """One decoded picture. ``sha256`` is that of the bytes as received; size is after orientation."""

    id: str = Field(description='"P1" for the picture in question, "R1", "R2", … for references')
    sha256: str
    width: int = Field(ge=1, description="px, upright")
    height: int = Field(ge=1, description="px, upright")
    format: str = Field(description="JPEG, PNG, WEBP, …: what the magic bytes say")
    bytes: int = Field(ge=1)
    source: str
    mode: str = Field(description="colour mode as stored, before conversion to 8-bit RGB")
    orientation: int = Field(ge=1, le=8, description="EXIF orientation found; already applied, once")
    notes: tuple[str, ...] = Field(default=(), description="what decoding changed: alpha flattened, frames dropped, …")
    faces_found: int | None = Field(
        default=None, ge=0, description="faces found in it, those beyond a cap included; None: not searched"
    )
    faces_incomplete_below: Real | None = Field(
        default=None,
        ge=0,
        description="px: smaller faces may have been missed, because the picture is very large; None: it is not",
    )
    faces_covering: tuple[str, ...] = Field(
        default=(), description="ids of faces beside which part of another one is seen, too little to be judged"
    )
