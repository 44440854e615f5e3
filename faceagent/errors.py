"""The tree of exceptions: broken requests and broken programs, each with a stable code and a remedy.

Problems of *content* (no face, too dark, an unreadable picture) are never raised: they are results with reason
codes, see ``types.Reason`` and ``types.Problem``.

    FaceagentError
    ├── InputError          the request itself is broken (unknown question, bad option)
    ├── PolicyRefusal       the request is understood and not permitted
    ├── ModelUnavailable    weights or a backend are missing and cannot be obtained now
    │   └── WeightsCorrupt  a file has another sha256 than the catalogued one
    ├── VlmAnswerInvalid    the answer of the vision-language model is invalid
    ├── StorageError        a store of conversations cannot be used: locked, full, corrupt
    │   └── ConversationBusy  another process is in this conversation
    ├── OutputError         a result cannot be written: no room on the disk
    ├── ServiceError        the service answered with an error, or does not answer
    ├── RegistryError       a name registered twice, unknown, or registered too late
    └── SettingsError       a setting has a value that cannot work
"""


class FaceagentError(Exception):
    """Base of every exception that faceagent raises on purpose.

    ``message`` says what is wrong, ``remedy`` what the reader can do about it, ``code`` is stable across
    releases and safe to match on.
    """

    code: str = "error"

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return self.message if self.remedy is None else f"{self.message} {self.remedy}"


class InputError(FaceagentError):
    """The request is broken; the same request will never work."""

    code = "bad_request"


class PolicyRefusal(FaceagentError):
    """The request is understood and refused by policy; ``rule`` names the row that refused it."""

    code = "policy_refusal"

    def __init__(self, message: str, *, rule: str, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.rule = rule


class ModelUnavailable(FaceagentError):
    """A model cannot run here and now: weights not pulled, offline, or a backend that is not installed."""

    code = "model_unavailable"


class WeightsCorrupt(ModelUnavailable):
    """A file was found where weights were expected, but its sha256 is not the catalogued one."""

    code = "weights_corrupt"


class VlmAnswerInvalid(FaceagentError):
    """The answer of the vision-language model is invalid: no JSON, cut off, or not valid under its schema."""

    code = "vlm_answer_invalid"


class StorageError(FaceagentError):
    """The store of conversations cannot be read or written: locked, full, corrupt, out of reach."""

    code = "memory_trouble"


class ConversationBusy(StorageError):
    """Another process has this conversation open."""

    code = "conversation_busy"


class OutputError(FaceagentError):
    """A result cannot be written: no room on the disk. ``result`` is what was computed, where it would be lost."""

    code = "output_failed"

    def __init__(self, message: str, *, remedy: str | None = None, result: object = None) -> None:
        super().__init__(message, remedy=remedy)
        self.result = result


class ServiceError(FaceagentError):
    """The service answered with an error, or not at all: what ``faceagent.client`` raises, whatever happened.

    ``status`` is the HTTP status, None where there was no answer; ``code`` that of the service, or "unreachable",
    "timed_out", "not_understood", "webhook_invalid". ``details`` are pairs of a field and what is wrong with it.
    ``retry_after`` is the number of seconds that the service asked to wait for.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: int | None = None,
        remedy: str | None = None,
        request_id: str | None = None,
        details: tuple[tuple[str, str], ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.code, self.status, self.request_id = code, status, request_id
        self.details, self.retry_after = details, retry_after


class RegistryError(FaceagentError):
    """A registry was used wrongly: unknown name, collision, or registration after the freeze."""

    code = "registry_error"


class SettingsError(FaceagentError):
    """A setting has a value that cannot work."""

    code = "bad_setting"
