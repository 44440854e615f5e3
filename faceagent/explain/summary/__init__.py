"""The direct answer in plain words, composed by rules from verdicts and evidence: what, why, how sure, what next.

``summarize`` is a pure function; a report, the terminal and a turn of a conversation call it with the questions and
faces that they are about. No model is used, and nothing is said that the record does not hold.
"""

from faceagent.explain.summary.compose import summarize
from faceagent.explain.summary.of_report import summary_of
from faceagent.explain.summary.sentences import languages

__all__ = ["languages", "summarize", "summary_of"]
