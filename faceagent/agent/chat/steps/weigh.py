"""A verdict per question and face; where one is not firm and the budget allows, what more to measure."""

from langgraph.runtime import Runtime

from faceagent import judge, policy
from faceagent.agent.chat import follow_up, queries
from faceagent.agent.chat.events import Decided
from faceagent.agent.chat.state import ASKING, FOLLOW_UPS, Remark, TurnContext, TurnState, budget_left
from faceagent.router import Plan
from faceagent.storage.conversation_store import ToolRun
from faceagent.types import QUESTIONS, Evidence, Picture, Question, Verdict

ROUNDS = 2
"""How often a turn may ask for more evidence."""
STEPS_KEPT = 7
"""Steps that a further round, explaining and replying need; with fewer left nothing more is asked for."""


def weigh(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """A verdict per question and face; where one is not firm and the budget allows, what more to measure."""
    context, store = runtime.context, runtime.context.store
    plan = Plan.model_validate(state["plan"])
    follows = plan.kind in FOLLOW_UPS and state["rounds"] == 0
    if plan.kind == "list_faces" or (follows and queries.decided(store, state["items"], state["subjects"])):
        return {"calls": []}
    decided: dict[str, list[Verdict]] = {}
    told: list[Decided] = []
    for item in state["items"]:
        decided[item] = _weighed(context, item, state["subjects"].get(item, []), state["allowed"])
        for verdict in decided[item]:
            key = f"{item}/{verdict.id}"
            if not (store.is_a(key, Verdict) and store.get(key, Verdict) == verdict):
                store.put(key, verdict)
                store.drop(f"{item}/E:{verdict.subject}:{verdict.question}")
            elif state["rounds"]:
                continue
            told.append(Decided(picture=int(item), verdict=verdict))
    store.keep()
    for event in told:
        runtime.stream_writer(event)
    return _more(state, context, plan, decided)


def _weighed(context: TurnContext, item: str, subjects: list[str], questions: list[Question]) -> list[Verdict]:
    store, key = context.store, queries.subject_key(item)
    if not store.is_a(key, Picture):
        return []
    picture, faces = store.get(key, Picture), queries.faces_of(store, item, subjects)
    evidence = [store.get(one, Evidence) for one in store.keys(item, Evidence)]
    return [
        verdict
        for question in QUESTIONS
        if question in questions
        for verdict in judge.answer(question, picture, faces, evidence)
    ]


def _more(state: TurnState, context: TurnContext, plan: Plan, decided: dict[str, list[Verdict]]) -> TurnState:
    """The calls for more evidence, within the budget; running out of it is said."""
    rounds = state["rounds"]
    if plan.kind not in ASKING or plan.depth == "brief" or rounds >= ROUNDS or state["remaining"] <= STEPS_KEPT:
        return {"calls": []}
    wanted = follow_up.calls_for(decided, lambda item, verdict, step: _done(context, plan, item, verdict, step))
    calls, remarks = wanted[: budget_left(state, context)], list(state["remarks"])
    if len(calls) < len(wanted):
        remarks.append(Remark(key="budget", values={"left": str(len(wanted) - len(calls))}))
    if not calls:
        return {"calls": [], "remarks": remarks}
    allowed = list(dict.fromkeys([*state["allowed"], *(question for call in calls for question in call["questions"])]))
    for question in allowed:
        context.record_decision(policy.decide(question, plan.purpose, plan.jurisdiction))
    context.store.keep()
    return {
        "calls": calls, "rounds": rounds + 1, "made": state["made"] + len(calls), "stage": "further",
        "remarks": remarks, "allowed": allowed,
    }  # fmt: skip


def _done(context: TurnContext, plan: Plan, item: str, verdict: Verdict, step: follow_up.Step) -> bool:
    """Whether a step was taken before, cannot be taken or may not be."""
    tool = context.tools.get(step.tool)
    if tool is None or tool.spec.pending:
        return True
    if policy.decide(step.answers, plan.purpose, plan.jurisdiction).decision == "refuse":
        return True
    if "reference" in tool.spec.needs and not queries.references_of(context.store):
        return True
    views = queries.views_of(context.store, item, tool, [verdict.subject])
    done = all(context.store.is_a(queries.looked_key(view, step.tool, step.look), ToolRun) for view in views)
    return done or context.gone(item)
