"""Free text → a validated plan: rules first, a model only for what the rules leave open."""

from faceagent.agent.route.plan import Context, Plan, Refused, Who

__all__ = ["Context", "Plan", "Refused", "Who"]
