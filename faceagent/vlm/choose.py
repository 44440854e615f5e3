"""The backend that the settings name; nothing is loaded or contacted before the first request."""

from functools import cache

from faceagent.settings import Settings
from faceagent.vlm.protocol import Backend


@cache
def backend(settings: Settings) -> Backend:
    """The model in this process, or the endpoint that the settings name; one object for the same settings.

    Raises ModelUnavailable when the embedded model cannot be built. An endpoint is contacted with the first request.
    """
    if settings.vlm_url is None:
        from faceagent.vlm.transformers_backend import embedded_backend

        return embedded_backend(settings)
    from faceagent.vlm.http_client import HttpClient
    from faceagent.vlm.openai_backend import OpenAIBackend
    from faceagent.vlm.server import key_for

    client = HttpClient(settings.vlm_url, key_for(settings), settings.vlm_seconds, settings.vlm_retries)
    return OpenAIBackend(client, settings.vlm_model)
