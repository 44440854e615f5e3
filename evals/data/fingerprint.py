"""Keys of caches: a digest of everything that a cached result depends on."""

import hashlib


def fingerprint(*parts: object) -> str:
    """16 hex digits of the SHA-256 of the parts' ``repr``."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
