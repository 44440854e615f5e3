"""Which faces are meant, and so which tools have something to look at. Where two could be meant, the user is asked."""

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from faceagent import policy
from faceagent.agent.chat import looking, pointing
from faceagent.agent.chat.events import Asked
from faceagent.agent.chat.state import FOLLOW_UPS, Call, Remark, Talk, Turn
from faceagent.agent.route import Plan


def point(state: Turn, runtime: Runtime[Talk]) -> Turn:
    """Which faces are meant. Where two could be, the user is asked and the turn waits."""
    talk, plan = runtime.context, Plan.model_validate(state["plan"])
    book = talk.book
    needs = pointing.wanted(talk, plan, state["items"]) if state["rounds"] == 0 else []
    helpful = looking.needed(talk, state["items"], {}, needs, again=False) if needs else []
    if helpful:
        for question in needs:
            talk.record_decision(policy.decide(question, plan.purpose, plan.jurisdiction))
        return {"calls": helpful, "rounds": 1}
    meant = pointing.meant(talk, plan, state["items"], dict(state.get("focus_subjects", {})))
    for turn in range(2):
        if meant.asks is None:
            break
        payload = Asked(text=meant.asks, options=meant.options)
        answer = str(interrupt(payload.model_dump(mode="json")))
        meant = pointing.answered(talk, plan, state["items"], meant, answer)
        if meant.other_business:
            return {"stage": "again", "text": answer, "calls": []}
        if turn == 1 and meant.asks is not None:
            return {"stage": "lost", "calls": [], "remarks": [Remark(key="still_ambiguous", values={})]}
    if meant.missing:
        return {"stage": "lost", "calls": [], "remarks": [Remark(key="nobody", values={"faces": meant.missing})]}
    subjects = meant.subjects
    calls: list[Call] = []
    answered = plan.kind in FOLLOW_UPS and looking.decided(talk.book, state["items"], subjects)
    if plan.kind != "list_faces" and not answered:
        without = frozenset({"frequency"}) if plan.depth == "brief" and plan.questions else frozenset()
        again = plan.kind == "rerun"
        calls = looking.needed(talk, state["items"], subjects, state["allowed"], again=again, without=without)
    book.keep()
    return {
        "subjects": subjects,
        "calls": calls,
        "stage": "measuring",
        "rounds": 0,
        "remarks": [*state["remarks"], *meant.remarks],
    }
