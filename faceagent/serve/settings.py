"""Settings of the service, read from ``FACEAGENT_SERVE_*``; those of the analysis are ``faceagent.settings``."""

import ipaddress
from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from faceagent.errors import SettingsError
from faceagent.settings import SERVICE, checked_place

DAY = 86_400
MIB = 2**20
_SECRET = frozenset({"database", "redis"})


class ServiceSettings(BaseSettings):
    """Every knob of the service, with its unit."""

    model_config = SettingsConfigDict(env_prefix=SERVICE, frozen=True, extra="forbid")

    host: str = Field(default="127.0.0.1", description="address to listen at")
    port: int = Field(default=8156, ge=0, le=65535)
    open: bool = Field(default=False, description="answer without keys; only on this machine")
    admin_key_file: Path | None = Field(
        default=None, description="new file (0600) into which the first admin key is written, instead of printing it"
    )
    database: str = Field(
        default_factory=lambda: str(user_data_path("faceagent") / "service"),
        description="where the service keeps its state: a folder, or a postgresql:// URL",
    )
    redis: SecretStr | None = Field(
        default=None, description="redis:// URL through which several processes wake each other; none: this one alone"
    )
    work: bool = Field(default=True, description="work on the items of jobs, besides answering requests")

    max_request_bytes: int = Field(default=256 * MIB, ge=1024, description="bytes of one request")
    held_bytes: int = Field(
        default=1024 * MIB, ge=1024, description="bytes of all requests under way; more are answered with 429"
    )
    concurrent: int = Field(default=32, ge=1, description="requests of one key at a time; more are answered with 429")
    upload_seconds: float = Field(default=120.0, gt=0, description="time for one request to arrive")
    queue: int = Field(default=64, ge=1, description="pictures that wait for the models; more are answered with 429")
    batch: int = Field(default=8, ge=1, le=256, description="pictures of different requests that share a model batch")
    item_seconds: float = Field(
        default=1.5,
        gt=0,
        description="time of a batch of items, which a request may have to wait for; one picture at least",
    )
    decode_processes: int = Field(
        default=2,
        ge=0,
        le=64,
        description="processes with a memory limit that decode pictures; 0: the server's own process decodes them",
    )
    chats: int = Field(default=4, ge=1, description="turns of conversations at a time; more are answered with 429")

    rate: int = Field(default=300, ge=1, description="requests a minute of a key that has no limit of its own")
    quota: int = Field(default=100_000, ge=1, description="requests a day, likewise")

    session_seconds: float = Field(default=DAY / 2, gt=0, description="how long a browser stays signed in")
    case_seconds: float = Field(default=7 * DAY, gt=0, description="how long reports are kept")
    job_seconds: float = Field(default=7 * DAY, gt=0, description="time after which a job ends, finished or not")
    audit_seconds: float = Field(default=365 * DAY, gt=0, description="how long the audit log is kept")
    purge_seconds: float = Field(default=300.0, gt=0, description="time between two removals of what has expired")

    job_items: int = Field(default=10_000, ge=1, description="items of one job")
    job_bytes: int = Field(default=1024 * MIB, ge=1, description="bytes of one job, unpacked")
    open_items: int = Field(
        default=50_000, ge=1, description="unfinished items of all jobs; more are answered with 429"
    )
    lease_seconds: float = Field(default=30.0, gt=0, description="after which an item of a silent worker is taken over")
    poll_seconds: float = Field(default=2.0, gt=0, description="how often a worker looks for work unasked")

    webhook_seconds: float = Field(default=10.0, gt=0, description="whole time of one delivery")
    webhook_tries: int = Field(default=8, ge=1, description="deliveries of one message, with growing pauses")

    @field_validator("database")
    @classmethod
    def _is_a_folder_or_postgresql(cls, place: str) -> str:
        return checked_place(place)

    @field_validator("redis")
    @classmethod
    def _is_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("it has to be a URL that begins with redis://, rediss:// or unix://")
        return url

    @model_validator(mode="after")
    def _open_is_local(self) -> "ServiceSettings":
        if self.open and not is_loopback(self.host):
            raise ValueError("a server without keys answers on this machine only: listen at 127.0.0.1")
        return self


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach that address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def load_service(**overrides: object) -> ServiceSettings:
    """Settings from the environment with ``overrides`` on top. Raises SettingsError naming the bad variable."""
    try:
        return ServiceSettings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else "open"
        words = first["msg"].removeprefix("Value error, ")
        given = "what it is" if field in _SECRET or not first["loc"] else repr(str(first.get("input")))
        raise SettingsError(f"{SERVICE}{field.upper()} cannot be {given}: {words}.") from None
