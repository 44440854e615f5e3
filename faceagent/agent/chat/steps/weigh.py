"""A verdict per question and face; where one is not firm and the budget allows, what more to measure."""

from langgraph.runtime import Runtime

from faceagent import policy
from faceagent.agent import pipeline
from faceagent.agent.chat import follow_up, queries
from faceagent.agent.chat.events import Decided
from faceagent.agent.chat.planning import FOLLOW_UPS
from faceagent.agent.chat.state import ASKING, Remark, TurnContext, TurnState, budget_left
from faceagent.router import Plan
from faceagent.storage.conversation_store import ToolRun
from faceagent.storage.keys import explanation_key, picture_key, record_key, tool_run_key
from faceagent.types import Picture, Question, Verdict

ROUNDS = 2
"""How often a turn may ask for more evidence."""
STEPS_KEPT = 7
"""Steps that a further round, explaining and replying need; with fewer left nothing more is asked for."""


def weigh(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """A verdict per question and face; where one is not firm and the budget allows, what more to measure."""
    context, store = runtime.context, runtime.context.record
    plan = Plan.model_validate(state["plan"])
    follows = plan.kind in FOLLOW_UPS and state["rounds"] == 0
    if plan.kind == "list_faces" or (follows and queries.decided(store, state["items"], state["subjects"])):
        return {"calls": []}
    decided: dict[str, tuple[Verdict, ...]] = {}
    events: list[Decided] = []
    for item in state["items"]:
        decided[item] = _weighed(context, item, state["subjects"].get(item, []), state["allowed"])
        for verdict in decided[item]:
            key = record_key(item, verdict.id)
            if not (store.is_a(key, Verdict) and store.get(key, Verdict) == verdict):
                store.put(key, verdict)
                store.drop(explanation_key(item, verdict))
            elif state["rounds"]:
                continue
            events.append(Decided(picture=int(item), verdict=verdict))
    store.flush()
    for event in events:
        runtime.stream_writer(event)
    return _follow_ups(state, context, plan, decided)


def _weighed(context: TurnContext, item: str, subjects: list[str], questions: list[Question]) -> tuple[Verdict, ...]:
    store, key = context.record, picture_key(item)
    if not store.is_a(key, Picture):
        return ()
    faces = queries.faces_of(store, item, subjects)
    most = None if subjects else context.settings.max_faces
    evidence = queries.evidence_of(store, item)
    return pipeline.weigh(questions, store.get(key, Picture), faces, evidence, most_faces=most)


def _follow_ups(
    state: TurnState, context: TurnContext, plan: Plan, decided: dict[str, tuple[Verdict, ...]]
) -> TurnState:
    """The calls for more evidence, within the budget; what the budget leaves out becomes a remark."""
    rounds = state["rounds"]
    if plan.kind not in ASKING or plan.depth == "brief" or rounds >= ROUNDS or state["remaining"] <= STEPS_KEPT:
        return {"calls": []}
    wanted = follow_up.calls_for(
        decided, context.specs, lambda item, verdict, offer: _done(context, plan, item, verdict, offer)
    )
    calls, remarks = wanted[: budget_left(state, context)], list(state["remarks"])
    if len(calls) < len(wanted):
        remarks.append(Remark(key="budget", values={"left": str(len(wanted) - len(calls))}))
    if not calls:
        return {"calls": [], "remarks": remarks}
    allowed = list(dict.fromkeys([*state["allowed"], *(question for call in calls for question in call["questions"])]))
    for question in allowed:
        context.record_decision(policy.decide(question, plan.purpose, plan.jurisdiction))
    context.record.flush()
    return {
        "calls": calls,
        "rounds": rounds + 1,
        "made": state["made"] + len(calls),
        "stage": "follow_up",
        "remarks": remarks,
        "allowed": allowed,
    }


def _done(context: TurnContext, plan: Plan, item: str, verdict: Verdict, offer: follow_up.Offer) -> bool:
    """Whether a follow-up was taken before, cannot be taken or may not be."""
    tool, crop = context.tools[offer.tool], offer.follow_up.crop
    if tool.spec.pending:
        return True
    if policy.decide(offer.follow_up.answers, plan.purpose, plan.jurisdiction).decision == "refuse":
        return True
    if "reference" in tool.spec.needs and not queries.references_of(context.record):
        return True
    views = queries.views_of(context.record, item, tool, [verdict.subject])
    done = all(context.record.is_a(tool_run_key(view, offer.tool, crop), ToolRun) for view in views)
    return done or context.gone(item)
