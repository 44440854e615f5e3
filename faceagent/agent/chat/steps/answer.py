"""A person releases the verdicts where a case asks for it, and the reply is given out."""

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from faceagent.agent.chat import phrases
from faceagent.agent.chat.events import Asked, Token
from faceagent.agent.chat.reply import compose_reply
from faceagent.agent.chat.state import FOLLOW_UPS, Talk, Turn
from faceagent.agent.notebook import SignOff
from faceagent.agent.route import Plan


def sign_off(state: Turn, runtime: Runtime[Talk]) -> Turn:
    """Where a case asks for it, a person releases the verdicts before they are given out."""
    talk, plan = runtime.context, Plan.model_validate(state["plan"])
    if plan.kind in FOLLOW_UPS or not state["allowed"]:
        return {}
    payload = Asked(text=phrases.say(plan.language, "sign_off"), options=("yes", "no"))
    answer = str(interrupt(payload.model_dump(mode="json")))
    released = phrases.means_yes(answer)
    signed = SignOff(turn=state["number"], released=released, words=answer[:200])
    talk.book.put(f"policy/sign_off:{state['number']}", signed)
    talk.book.keep()
    return {"signed": "yes" if released else "no"}


def reply(state: Turn, runtime: Runtime[Talk]) -> Turn:
    """The reply, from the record alone, piece by piece; and what later turns go on from."""
    talk, plan = runtime.context, Plan.model_validate(state["plan"])
    text = compose_reply(state, talk, plan)
    for piece in phrases.pieces(text):
        runtime.stream_writer(Token(text=piece))
    changed: Turn = {"reply": text, "calls": [], "remarks": []}
    if state.get("stage") == "measuring" or state.get("stage") == "further":
        changed |= {"focus_items": state["items"], "focus_subjects": state["subjects"]}
        if plan.questions:
            changed["focus_questions"] = list(plan.questions)
    return changed
