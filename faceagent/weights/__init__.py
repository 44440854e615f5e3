"""Model weights: one catalogue, verified files, shared sessions.

``locate`` turns an id into a path whose sha256 was checked. ``catalog.toml`` describes every entry: licence, source,
labels, preprocessing. ``faceagent.weights.sessions`` runs ONNX files.
"""

from faceagent.weights.catalog import Entry, entries, entry, stamp
from faceagent.weights.resolve import Check, locate, of_profile, pull, ready, verify

__all__ = ["Check", "Entry", "entries", "entry", "locate", "of_profile", "pull", "ready", "stamp", "verify"]
