"""A person releases the verdicts where a case asks for it, and the reply is sent."""

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from faceagent.agent.chat import phrases
from faceagent.agent.chat.events import Clarification, Token
from faceagent.agent.chat.planning import FOLLOW_UPS
from faceagent.agent.chat.reply import compose_reply
from faceagent.agent.chat.state import TurnContext, TurnState
from faceagent.router import Plan
from faceagent.storage.conversation_store import SignOff
from faceagent.storage.keys import sign_off_key


def sign_off(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Where a case asks for it, a person releases the verdicts before they are sent."""
    context, plan = runtime.context, Plan.model_validate(state["plan"])
    if plan.kind in FOLLOW_UPS or not state["allowed"]:
        return {}
    payload = Clarification(text=phrases.say(plan.language, "sign_off"), options=("yes", "no"))
    answer = str(interrupt(payload.model_dump(mode="json")))
    released = phrases.means_yes(answer)
    signed = SignOff(turn=state["number"], released=released, words=answer[:200])
    context.record.put(sign_off_key(state["number"]), signed)
    context.record.flush()
    return {"signed": "yes" if released else "no"}


def reply(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """The reply, from the record alone, piece by piece; and what later turns go on from."""
    context, plan = runtime.context, Plan.model_validate(state["plan"])
    text = compose_reply(state, context, plan)
    for piece in phrases.pieces(text):
        runtime.stream_writer(Token(text=piece))
    changed: TurnState = {"reply": text, "calls": [], "remarks": []}
    if state.get("stage") in ("measuring", "follow_up"):
        changed |= {"focus_items": state["items"], "focus_subjects": state["subjects"]}
        if plan.questions:
            changed["focus_questions"] = list(plan.questions)
    return changed
