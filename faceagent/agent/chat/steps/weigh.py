"""A verdict per question and face; where one is not firm and the budget allows, what more to measure."""

from langgraph.runtime import Runtime

from faceagent import judge, policy
from faceagent.agent.chat import further, looking
from faceagent.agent.chat.events import Decided
from faceagent.agent.chat.state import ASKING, FOLLOW_UPS, Remark, Talk, Turn, budget_left
from faceagent.agent.notebook import Looked
from faceagent.agent.route import Plan
from faceagent.types import QUESTIONS, Evidence, Picture, Question, Verdict

ROUNDS = 2
"""How often a turn may ask for more evidence."""
STEPS_KEPT = 7
"""Steps that a further round, explaining and replying need; with fewer left nothing more is asked for."""


def weigh(state: Turn, runtime: Runtime[Talk]) -> Turn:
    """A verdict per question and face; where one is not firm and the budget allows, what more to measure."""
    talk, book = runtime.context, runtime.context.book
    plan = Plan.model_validate(state["plan"])
    follows = plan.kind in FOLLOW_UPS and state["rounds"] == 0
    if plan.kind == "list_faces" or (follows and looking.decided(book, state["items"], state["subjects"])):
        return {"calls": []}
    decided: dict[str, list[Verdict]] = {}
    told: list[Decided] = []
    for item in state["items"]:
        decided[item] = _weighed(talk, item, state["subjects"].get(item, []), state["allowed"])
        for verdict in decided[item]:
            key = f"{item}/{verdict.id}"
            if not (book.is_a(key, Verdict) and book.get(key, Verdict) == verdict):
                book.put(key, verdict)
                book.drop(f"{item}/E:{verdict.subject}:{verdict.question}")
            elif state["rounds"]:
                continue
            told.append(Decided(picture=int(item), verdict=verdict))
    book.keep()
    for event in told:
        runtime.stream_writer(event)
    return _more(state, talk, plan, decided)


def _weighed(talk: Talk, item: str, subjects: list[str], questions: list[Question]) -> list[Verdict]:
    book, key = talk.book, looking.subject_key(item)
    if not book.is_a(key, Picture):
        return []
    picture, faces = book.get(key, Picture), looking.faces_of(book, item, subjects)
    evidence = [book.get(one, Evidence) for one in book.keys(item, Evidence)]
    return [
        verdict
        for question in QUESTIONS
        if question in questions
        for verdict in judge.answer(question, picture, faces, evidence)
    ]


def _more(state: Turn, talk: Talk, plan: Plan, decided: dict[str, list[Verdict]]) -> Turn:
    """The calls for more evidence, within the budget; running out of it is said."""
    rounds = state["rounds"]
    if plan.kind not in ASKING or plan.depth == "brief" or rounds >= ROUNDS or state["remaining"] <= STEPS_KEPT:
        return {"calls": []}
    wanted = further.calls_for(decided, lambda item, verdict, step: _done(talk, plan, item, verdict, step))
    calls, remarks = wanted[: budget_left(state, talk)], list(state["remarks"])
    if len(calls) < len(wanted):
        remarks.append(Remark(key="budget", values={"left": str(len(wanted) - len(calls))}))
    if not calls:
        return {"calls": [], "remarks": remarks}
    allowed = list(dict.fromkeys([*state["allowed"], *(question for call in calls for question in call["questions"])]))
    for question in allowed:
        talk.record_decision(policy.decide(question, plan.purpose, plan.jurisdiction))
    talk.book.keep()
    return {
        "calls": calls, "rounds": rounds + 1, "made": state["made"] + len(calls), "stage": "further",
        "remarks": remarks, "allowed": allowed,
    }  # fmt: skip


def _done(talk: Talk, plan: Plan, item: str, verdict: Verdict, step: further.Step) -> bool:
    """Whether a step was taken before, cannot be taken or may not be."""
    tool = talk.tools.get(step.tool)
    if tool is None or tool.spec.pending:
        return True
    if policy.decide(step.answers, plan.purpose, plan.jurisdiction).decision == "refuse":
        return True
    if "reference" in tool.spec.needs and not looking.references_of(talk.book):
        return True
    views = looking.views_of(talk.book, item, tool, [verdict.subject])
    done = all(talk.book.is_a(looking.looked_key(view, step.tool, step.look), Looked) for view in views)
    return done or talk.gone(item)
