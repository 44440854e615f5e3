"""Where a turn goes next."""

from typing import Literal

from langgraph.types import Send

from faceagent.agent.chat.planning import runs_nothing
from faceagent.agent.chat.state import Stage, TurnState
from faceagent.router import Plan

Next = Literal["understand", "resolve_faces", "weigh", "reply"]

_AFTER_STAGE: dict[Stage, Next] = {"again": "understand", "lost": "reply", "resolving": "resolve_faces"}


def after_understanding(state: TurnState) -> Literal["load_images", "resolve_faces", "reply"]:
    """Pictures first, unless they were read before or none is needed."""
    if runs_nothing(Plan.model_validate(state["plan"])) or not state["items"]:
        return "reply"
    return "load_images" if state["unread"] else "resolve_faces"


def send_calls(state: TurnState) -> list[Send] | Next:
    """A parallel branch for every call; without one, on to whatever is next."""
    if state.get("calls"):
        language = state["plan"]["language"]
        return [Send("run_tool", {**call, "language": language}) for call in state["calls"]]
    return _AFTER_STAGE.get(state["stage"], "weigh")


def after_weighing(state: TurnState) -> list[Send] | Next | Literal["explain"]:
    """More evidence where that was decided, else the explanations."""
    return send_calls(state) if state["calls"] else "explain"


def after_explaining(state: TurnState) -> Literal["sign_off", "reply"]:
    """A person's release first, where a case asks for it."""
    return "sign_off" if state["signing"] else "reply"
