"""Explanations: how the evidence leads to the verdict, one cited sentence at a time."""

from faceagent.explain.check import check
from faceagent.explain.summary import summarize
from faceagent.explain.template_explainer import explain_by_template
from faceagent.explain.vlm_explainer import VlmExplainer

__all__ = ["VlmExplainer", "check", "explain_by_template", "summarize"]
