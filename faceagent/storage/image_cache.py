"""The pictures of a conversation: read once, released after every turn, read again only when a tool needs them.

A path or URL may have gone or changed since; that is noticed here by the sha256 of the bytes. Pictures given as
bytes live as long as the process.
"""

import threading

from faceagent import intake
from faceagent.intake import Blobs
from faceagent.settings import Settings
from faceagent.storage.conversation_store import ConversationStore
from faceagent.storage.keys import source_key
from faceagent.types import Picture, Problem, Source


class ImageCache:
    """Bytes and pixels by the keys of their pictures. Safe for parallel nodes."""

    def __init__(self, store: ConversationStore, blobs: Blobs, settings: Settings) -> None:
        self._store, self._blobs, self._settings = store, blobs, settings
        self._ready: dict[str, Problem | None] = {}
        self._reported: set[str] = set()
        self._lock = threading.Lock()

    def add(self, key: str, found: Picture | Problem) -> None:
        """Record a picture that was read for the first time, or why it cannot be read."""
        with self._lock:
            self._store.put(key, found)
            self._ready[key] = found if isinstance(found, Problem) else None

    def problem(self, key: str) -> Problem | None:
        """Why the recorded picture under ``key`` can no longer be read; None when it can."""
        with self._lock:
            if key not in self._ready:
                self._ready[key] = self._read_again(key)
            return self._ready[key]

    def first_time(self, key: str) -> bool:
        """True once per turn and key, so that a problem met by several tools is reported once."""
        with self._lock:
            first = key not in self._reported
            self._reported.add(key)
        return first

    def clear(self) -> None:
        """Release what can be read again, at the end of a turn."""
        handed = {source.ref for source in self._store.all(Source) if source.kind == "bytes"}
        with self._lock:
            read = {self._store.get(key, Picture).sha256 for key in self._ready if self._store.is_a(key, Picture)}
            self._blobs.forget(read - handed)
            self._ready.clear()
            self._reported.clear()

    def _read_again(self, key: str) -> Problem | None:
        if not self._store.is_a(key, Picture):
            return self._store.get(key, Problem)
        picture, source = self._store.get(key, Picture), self._store.get(source_key(key), Source)
        try:
            self._blobs.get(picture.sha256)
            return None
        except KeyError:
            pass
        if source.kind == "bytes":
            return Problem(
                reason="missing_file", message=f"{source.name} was given as bytes to a process that has ended."
            )
        found = intake.take(source, self._blobs, self._settings, id=picture.id)
        if isinstance(found, Problem):
            return found
        if found.sha256 != picture.sha256:
            self._blobs.forget([found.sha256])
            return Problem(reason="missing_file", message=f"{source.name} is another picture now than it was.")
        return None
