"""Settings: typed, read once from ``FACEAGENT_*`` variables (or arguments), immutable afterwards.

The two profiles differ in settings only. Code asks for the device or the tower that follow from the profile, never for
the profile itself, so that a third one would be a change of this file alone.
"""

import difflib
import logging
import os
import re
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from platformdirs import user_cache_path, user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from faceagent.errors import SettingsError
from faceagent.types import Style, SummaryLanguage

logger = logging.getLogger(__name__)

ELSEWHERE = frozenset({"FACEAGENT_DATA", "FACEAGENT_MCP_FOLDERS", "FACEAGENT_SERVICE_KEY", "FACEAGENT_SERVICE_URL"})
"""Variables that the benchmarks, one command or the client read."""
SECRET = frozenset({"FACEAGENT_VLM_KEY", "FACEAGENT_VLM_ENDPOINT", "FACEAGENT_MEMORY"})
"""Variables whose values are, or by mistake hold, a key."""
IN_MEMORY = ":memory:"
"""As ``memory``: conversations end with the program."""
SERVICE = "FACEAGENT_SERVE_"
"""Prefix of the variables that only the service reads, see ``serve.settings``."""
MOST_WORKERS = 256
_DECIDING = {"profile", "detectors", "noncommercial", "seed", "language", "style", "max_faces", "min_face"} | {
    "max_bytes", "max_pixels", "max_side", "max_frames", "picture_seconds", "trust_anchors", "explain_depth",
    "vlm_hypotheses", "vlm_endpoint", "vlm_model",
}  # fmt: skip
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+):")
"""A URL's scheme; a single letter is a drive."""
_ADDRESS = re.compile(r"://|^[^/\\]*:[^\\]*@|\b(?:host|hostaddr|dbname|user|password|port|service)\s*=", re.IGNORECASE)
"""A database's address: of another scheme, ``user:password@host``, or libpq's ``password=...``."""
_DRIVERS = frozenset({"psycopg", "psycopg2", "psycopg_async", "asyncpg", "pg8000"})

Profile = Literal["embedded", "gpu"]
Explain = Literal["auto", "vlm", "ledger"]
Depth = Literal["plain", "planned", "reflected"]


def checked_place(place: str) -> str:
    """A folder, or the URL of a PostgreSQL server in the form that psycopg knows. Raises ValueError for neither."""
    place = place.strip()
    scheme = _SCHEME.match(place)
    database, plus, driver = scheme[1].lower().partition("+") if scheme else ("", "", "")
    if database in ("postgresql", "postgres") and place[len(database + plus + driver) + 1 :].startswith("//"):
        if driver and driver not in _DRIVERS:
            raise ValueError(f"there is no driver {driver!r} here; the URL begins with postgresql://")
        # The driver is SQLAlchemy's notation; it is always psycopg that connects.
        return "postgresql:" + place.partition(":")[2]
    # As a path it would become a folder that is named after a password.
    if not place or "\0" in place or database.startswith("postgres") or _ADDRESS.search(place):
        raise ValueError("it has to be a folder, or a URL that begins with postgresql://")
    return place


def usable_cpus() -> int:
    """Processors that this process may use: those of the machine, or fewer in a container or under ``taskset``."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


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
    workers: int = Field(
        default_factory=lambda: min(usable_cpus(), MOST_WORKERS),
        ge=1,
        le=MOST_WORKERS,
        description="pictures handled at a time",
    )
    threads: int = Field(default=1, ge=1, description="threads inside one model call")
    detectors: Literal["full", "fast"] = Field(
        default="full",
        description="towers that look for forged parts: CLIP beside DINOv2, or DINOv2 alone, which takes less time and "
        "ranks swapped faces less well",
    )
    batch: int = Field(
        default_factory=lambda data: 32 if data.get("profile") == "gpu" else max(1, data.get("workers", 1) // 4),
        ge=1,
        le=1024,
        description="pictures that share one run of the graph, and so are lost when it is killed",
    )

    style: Style = Field(default="plain", description="who summaries are written for: short, plain or expert")
    language: SummaryLanguage = Field(default="en", description="language of the summary of a report: en, es or zh")

    served: bool = Field(
        default=False, description="whether pictures come from others, who cannot change these settings"
    )
    decode_processes: int = Field(
        default=0,
        ge=0,
        le=64,
        description="processes with a memory limit that decode pictures, so that a decoder that crashes ends only its "
        "own; 0: this process decodes them",
    )
    max_bytes: int = Field(default=64 * 2**20, ge=1, description="bytes of one picture file")
    max_pixels: int = Field(default=65_000_000, ge=1, description="width × height before decoding")
    max_side: int = Field(default=32_768, ge=1, description="px of the longer side before decoding")
    decode_seconds: float = Field(default=10.0, gt=0, description="processor time to decode one picture")
    picture_seconds: float = Field(
        default=600.0,
        gt=0,
        description="time per picture of a run after which nothing more is begun; what is left says so",
    )
    max_frames: int = Field(default=1000, ge=1, description="frames of an animated picture; only the first is used")
    fetch_seconds: float = Field(default=20.0, gt=0, description="whole time for one URL")
    fetch_redirects: int = Field(default=3, ge=0)
    trust_anchors: Path | None = Field(default=None, description="PEM file with the C2PA roots to trust; none ship")

    signing_key: Path | None = Field(
        default=None,
        description="PEM file with the Ed25519 key that signs reports; none: one of this user's, made once",
    )

    memory: str = Field(
        default_factory=lambda: str(user_data_path("faceagent") / "conversations"),
        description="where conversations are kept: a folder, a postgresql:// URL, or :memory: for nowhere",
    )
    turn_calls: int = Field(default=12, ge=0, description="tool calls beyond the first round that one turn may make")
    turn_seconds: float = Field(default=60.0, gt=0, description="time after which a turn asks for no more evidence")
    turn_tokens: int = Field(default=2000, ge=0, description="tokens of a model's explanations in one turn")

    explain: Explain = Field(
        default="auto",
        description="who explains: the vision-language model, which then also gives its own reading as evidence; the "
        "ledger; or, auto, the model behind a configured endpoint for a single picture, and else the ledger",
    )
    explain_depth: Depth = Field(
        default="plain", description="an answer; one that begins with a plan; a planned one given again where struck"
    )
    vlm_hypotheses: bool = Field(
        default=False, description="ask the model's reading also supposing the face real and fake; the median counts"
    )
    vlm_endpoint: str | None = Field(
        default=None, description="base URL of an OpenAI-compatible server, /v1 included; none: what the profile says"
    )
    vlm_key: SecretStr | None = Field(default=None, description="its key; our own server asks for the same one")
    vlm_model: str | None = Field(
        default=None, description="name of the model there, and what the gpu profile serves; none: the profile's"
    )
    vlm_adapters: Path | None = Field(
        default=None, description="folder with one LoRA folder for each adapter that the gpu profile serves"
    )
    vlm_seconds: float = Field(default=120.0, gt=0, description="whole time of one request, retries included")
    vlm_retries: int = Field(default=2, ge=0, le=10, description="after a failed connection or a 5xx answer")
    vlm_port: int = Field(default=8157, ge=1, le=65535, description="of our own server, on this machine only")
    vlm_length: int = Field(default=4096, ge=256, description="tokens of prompt and answer together")
    vlm_parallel: int = Field(default=1, ge=1, description="GPUs that share one model (tensor parallel)")
    vlm_start_seconds: float = Field(default=900.0, gt=0, description="time a server may take to load its model")

    max_faces: int = Field(
        default=64, ge=1, description="faces analysed per picture, largest first; identity compares all"
    )
    min_face: float = Field(default=24.0, ge=8, description="px, shorter side of the box")

    @field_validator("cache")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        # The folder must stay the same one when the program changes its working directory.
        return path.absolute()

    @field_validator("weights", "vlm_adapters")
    @classmethod
    def _is_a_folder(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_dir():
            raise ValueError("there is no such folder")
        return path

    @field_validator("memory")
    @classmethod
    def _is_a_folder_or_postgresql(cls, place: str) -> str:
        return place if place == IN_MEMORY else checked_place(place)

    @field_validator("vlm_model")
    @classmethod
    def _is_no_flag(cls, name: str | None) -> str | None:
        if name is not None and (name.startswith("-") or not name.strip() or not name.isprintable()):
            raise ValueError("it has to be the name of a model, and none begins with a hyphen")
        return name

    @field_validator("vlm_key")
    @classmethod
    def _fits_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        text = key.get_secret_value().strip() if key else ""
        if not text.isascii() or not text.isprintable():
            raise ValueError("a key has printable ASCII characters only")
        return SecretStr(text) if text else None

    @field_validator("vlm_endpoint")
    @classmethod
    def _is_a_url(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        # Reading the port is what refuses one that cannot be.
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError("it has to be a URL such as http://127.0.0.1:8157/v1")
        if parts.username is not None or parts.password is not None:
            raise ValueError("a key belongs into FACEAGENT_VLM_KEY, not into the URL")
        return url

    @property
    def device(self) -> Literal["cpu", "cuda"]:
        """Where models shall run; whether they really do is in every evidence stamp."""
        return "cuda" if self.profile == "gpu" else "cpu"

    @property
    def deciding(self) -> dict[str, Any]:
        """The settings that change what a report says, as JSON values."""
        return self.model_dump(mode="json", include=_DECIDING)

    @property
    def loading(self) -> str:
        """The settings that decide which weights are loaded and how they run, as JSON; a key for what is kept."""
        return self.model_dump_json(include={"profile", "cache", "weights", "offline", "noncommercial", "threads"})

    def or_raise(self, name: str) -> str:
        """The end of a remedy that names a limit: empty where whoever reads it cannot change this setting."""
        return "" if self.served else f", or raise FACEAGENT_{name.upper()}"

    @property
    def tower(self) -> str:
        """Id of the vision tower's weights."""
        return "open_clip_vit_l_14_openai" if self.profile == "gpu" else "dinov2_vits14_224"

    @property
    def vlm_url(self) -> str | None:
        """Base URL of the server with the vision-language model; None: it runs in this process."""
        if self.vlm_endpoint is None and self.profile == "gpu":
            return f"http://127.0.0.1:{self.vlm_port}/v1"
        return self.vlm_endpoint

    @property
    def vlm_served(self) -> str | None:
        """Folder or hub name of the model that our own server loads; None: the embedded one."""
        return (self.vlm_model or "Qwen/Qwen3-VL-8B-Instruct") if self.profile == "gpu" else None


def load(**overrides: object) -> Settings:
    """Settings from the environment with ``overrides`` on top. Raises SettingsError naming the bad variable.

    A FACEAGENT_* variable that names no setting is said in the log, once per process.
    """
    for name in sorted(os.environ):
        if name.upper().startswith("FACEAGENT_"):
            _tell_unknown(name.upper())
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = "FACEAGENT_" + "_".join(str(part) for part in first["loc"]).upper()
        words = first["msg"].removeprefix("Value error, ")
        # What is secret stays out of messages; pydantic's own error holds it, so it is no cause of ours either.
        given = "what it is" if name in SECRET else repr(str(first.get("input")))
        raise SettingsError(f"{name} cannot be {given}: {words}.") from (None if name in SECRET else error)


@cache
def _tell_unknown(variable: str) -> None:
    known = {f"FACEAGENT_{name.upper()}" for name in Settings.model_fields} | ELSEWHERE
    if variable not in known and not variable.startswith(SERVICE):
        near = difflib.get_close_matches(variable, sorted(known), n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        logger.warning("%s is no setting and has no effect.%s", variable, hint)
