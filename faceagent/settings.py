"""Settings: typed, read once from ``FACEAGENT_*`` variables (or arguments), immutable afterwards.

The two profiles differ in settings only; no code asks which one it is in.
"""

import os
from pathlib import Path
from typing import Literal

from platformdirs import user_cache_path
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from faceagent.errors import SettingsError

Profile = Literal["embedded", "gpu"]


class Settings(BaseSettings):
    """Every knob, with its unit. ``Settings()`` reads the environment; ``load()`` explains what is wrong with it."""

    model_config = SettingsConfigDict(env_prefix="FACEAGENT_", frozen=True, extra="forbid")

    profile: Profile = "embedded"
    cache: Path = Field(default_factory=lambda: user_cache_path("faceagent"), description="weights and blobs")
    weights: Path | None = Field(default=None, description="folder looked into before anything is fetched")
    offline: bool = Field(default=False, description="never fetch weights; say what is missing instead")
    noncommercial: bool = Field(default=False, description="admit weights whose licence forbids commercial use")
    purpose: str = "unstated"
    jurisdiction: str = "strictest"
    seed: int = 0
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, description="pictures handled at a time")
    threads: int = Field(default=1, ge=1, description="threads inside one model call")
    batch: int = Field(default=32, ge=1, le=1024, description="pictures that share one run of the graph")

    max_bytes: int = Field(default=64 * 2**20, ge=1, description="bytes of one picture file")
    max_pixels: int = Field(default=100_000_000, ge=1, description="width × height before decoding")
    max_frames: int = Field(default=1000, ge=1, description="frames of an animated picture; only the first is used")
    fetch_seconds: float = Field(default=20.0, gt=0, description="whole time for one URL")
    fetch_redirects: int = Field(default=3, ge=0)
    trust_anchors: Path | None = Field(default=None, description="PEM file with the C2PA roots to trust; none ship")

    max_faces: int = Field(default=64, ge=1, description="faces kept per picture, largest first")
    min_face: float = Field(default=24.0, ge=8, description="px, shorter side of the box")
    forgery_margin: float = Field(default=1.3, ge=1, le=3, description="crop side / box side for forgery detectors")


def load(**overrides: object) -> Settings:
    """Settings from the environment with ``overrides`` on top. Raises SettingsError naming the bad variable."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = "FACEAGENT_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(f"{name} cannot be {first.get('input')!r}: {first['msg']}.") from error
