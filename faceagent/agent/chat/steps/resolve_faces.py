"""Which faces are meant, and so which tools have something to look at. Where two could be meant, the user is asked."""

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from faceagent import policy
from faceagent.agent.chat import disambiguate, queries
from faceagent.agent.chat.events import Clarification
from faceagent.agent.chat.state import FOLLOW_UPS, Remark, ToolCall, TurnContext, TurnState
from faceagent.router import Plan


def resolve_faces(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Which faces are meant. Where two could be, the user is asked and the turn waits."""
    context, plan = runtime.context, Plan.model_validate(state["plan"])
    store = context.store
    needs = disambiguate.wanted(context, plan, state["items"]) if state["rounds"] == 0 else []
    helpful = queries.needed(context, state["items"], {}, needs, again=False) if needs else []
    if helpful:
        for question in needs:
            context.record_decision(policy.decide(question, plan.purpose, plan.jurisdiction))
        return {"calls": helpful, "rounds": 1}
    meant = disambiguate.meant(context, plan, state["items"], dict(state.get("focus_subjects", {})))
    for turn in range(2):
        if meant.asks is None:
            break
        payload = Clarification(text=meant.asks, options=meant.options)
        answer = str(interrupt(payload.model_dump(mode="json")))
        meant = disambiguate.answered(context, plan, state["items"], meant, answer)
        if meant.other_business:
            return {"stage": "again", "text": answer, "calls": []}
        if turn == 1 and meant.asks is not None:
            return {"stage": "lost", "calls": [], "remarks": [Remark(key="still_ambiguous", values={})]}
    if meant.missing:
        return {"stage": "lost", "calls": [], "remarks": [Remark(key="nobody", values={"faces": meant.missing})]}
    subjects = meant.subjects
    calls: list[ToolCall] = []
    answered = plan.kind in FOLLOW_UPS and queries.decided(context.store, state["items"], subjects)
    if plan.kind != "list_faces" and not answered:
        without = frozenset({"frequency"}) if plan.depth == "brief" and plan.questions else frozenset()
        again = plan.kind == "rerun"
        calls = queries.needed(context, state["items"], subjects, state["allowed"], again=again, without=without)
    store.keep()
    return {
        "subjects": subjects,
        "calls": calls,
        "stage": "measuring",
        "rounds": 0,
        "remarks": [*state["remarks"], *meant.remarks],
    }
