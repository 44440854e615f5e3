"""Where a turn goes next."""

from langgraph.types import Send

from faceagent.agent.chat.state import TurnState
from faceagent.router import Plan
from faceagent.router.plan import NOTHING_RUNS


def after_understanding(state: TurnState) -> str:
    """Pictures first, unless they were read before or there is nothing to look at."""
    plan = Plan.model_validate(state["plan"])
    if plan.clarification or plan.kind in NOTHING_RUNS or plan.kind == "new_picture" or not state["items"]:
        return "reply"
    return "look" if state["unread"] else "point"


def fan(state: TurnState) -> list[Send] | str:
    """A parallel branch for every call; without one, on to whatever is next."""
    if state.get("calls"):
        language = state["plan"]["language"]
        return [Send("run_tool", {**call, "language": language}) for call in state["calls"]]
    return {"again": "understand", "lost": "reply", "pointing": "point"}.get(state["stage"], "weigh")


def after_weighing(state: TurnState) -> list[Send] | str:
    """More evidence where that was decided, else the explanations."""
    return fan(state) if state["calls"] else "explain"


def after_explaining(state: TurnState) -> str:
    """A person's word first, where a case asks for it."""
    return "sign_off" if state["signing"] else "reply"
