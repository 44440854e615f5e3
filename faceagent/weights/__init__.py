"""Weights are data: one catalogue, one way to a verified file, one way to a running session.

``locate`` turns an id into a path whose sha256 was checked. What an entry is, whose it is and what its input has
to look like stands in ``catalog.toml``. Running ONNX files is in ``faceagent.weights.sessions``.
"""

from faceagent.weights.catalog import Entry, entries, entry, stamp
from faceagent.weights.resolve import Check, locate, of_profile, pull, ready, verify

__all__ = ["Check", "Entry", "entries", "entry", "locate", "of_profile", "pull", "ready", "stamp", "verify"]
