"""Explaining: how the evidence leads to the verdict, one cited sentence at a time."""

from faceagent.explain.check import check
from faceagent.explain.ledger import write
from faceagent.explain.spoken import Narrator

__all__ = ["Narrator", "check", "write"]
