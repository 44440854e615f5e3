"""Which backend answers: the settings decide, and nothing is loaded or asked before the first question."""

from functools import cache

from faceagent.settings import Settings
from faceagent.vlm.protocol import Backend


@cache
def backend(settings: Settings) -> Backend:
    """The model in this process, or the endpoint that the settings name; one object for the same settings.

    Raises ModelUnavailable when the embedded model cannot be put together. Whether an endpoint answers shows when it
    is asked.
    """
    if settings.vlm_url is None:
        from faceagent.vlm.local import local

        return local(settings)
    from faceagent.vlm.remote import OpenAIBackend
    from faceagent.vlm.wire import HttpClient

    wire = HttpClient(settings.vlm_url, settings.vlm_key, settings.vlm_seconds, settings.vlm_retries)
    return OpenAIBackend(wire, settings.vlm_model)
