"""Which faces are meant, and so which tools have something to measure. Where two could be meant, the user is asked."""

from langgraph.runtime import Runtime
from langgraph.types import interrupt

from faceagent import policy
from faceagent.agent import pipeline
from faceagent.agent.chat import disambiguate, planning, queries
from faceagent.agent.chat.events import Clarification
from faceagent.agent.chat.state import Remark, TargetState, TurnContext, TurnState
from faceagent.router import Plan
from faceagent.storage.keys import REFERENCES, record_key


def resolve_faces(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """Which faces are meant. Where two could be, the user is asked and the turn waits."""
    context, plan, items = runtime.context, Plan.model_validate(state["plan"]), state["items"]
    remarks = state["remarks"]
    if any(one["key"] == "became_reference" for one in remarks):
        other, chosen = _choose_reference_face(context, plan)
        if other is not None:
            return other
        remarks = [*remarks, *chosen]
        # The description was of a face of the reference; of the other picture every face is compared.
        plan = plan.model_copy(update={"faces": ()})
    first = _describing_tools(state, context, plan)
    if first is not None:
        return first
    meant = disambiguate.resolve(context, plan, items, dict(state.get("focus_subjects", {})))
    for turn in range(2):
        if meant.asks is None:
            break
        payload = Clarification(text=meant.asks, options=meant.options)
        answer = str(interrupt(payload.model_dump(mode="json")))
        meant = disambiguate.resolve_answer(context, plan, items, meant, answer)
        if meant.other_business:
            return {"stage": "again", "text": answer, "calls": []}
        if turn == 1 and meant.asks is not None:
            return {"stage": "lost", "calls": [], "remarks": [Remark(key="still_ambiguous", values={})]}
    if meant.missing:
        return {"stage": "lost", "calls": [], "remarks": [Remark(key="nobody", values={"faces": meant.missing})]}
    decided = queries.decided(context.record, items, meant.subjects)
    needed = planning.tools_of_turn(plan, state["allowed"], context.specs, has_vlm=context.has_vlm, decided=decided)
    context.record.flush()
    return {
        "subjects": meant.subjects,
        "targets": _targets(context, plan, items, state, meant.subjects),
        "calls": queries.calls_of(context, needed, items, meant.subjects, again=plan.kind == "rerun"),
        "stage": "measuring",
        "rounds": 0,
        "remarks": [*remarks, *meant.remarks],
    }


def _targets(
    context: TurnContext, plan: Plan, items: list[str], state: TurnState, subjects: dict[str, list[str]]
) -> list[TargetState]:
    """What each question is about, where they differ; faces that were asked back are those of the answer."""
    found = []
    for target in plan.targets:
        meant = queries.pictures_meant(target.pictures, items, state.get("new", []), state.get("focus_items", []))
        own = plan.model_copy(update={"faces": target.faces})
        chosen = disambiguate.resolve(context, own, meant, {}).subjects if target.faces else {}
        faces = {item: chosen.get(item) or subjects.get(item, []) for item in meant} if target.faces else {}
        found.append(TargetState(question=target.question, items=meant, subjects=faces))
    return found


def _choose_reference_face(context: TurnContext, plan: Plan) -> tuple[TurnState | None, list[Remark]]:
    """Keep the one face of the reference that is meant, asking where it is open.

    Returns the state to leave with, or None; and which face was chosen, where there was a choice.
    """
    meant = disambiguate.resolve_reference(context, plan)
    if meant is None:
        return None, []
    for turn in range(2):
        if meant.asks is None:
            break
        payload = Clarification(text=meant.asks, options=meant.options)
        answer = str(interrupt(payload.model_dump(mode="json")))
        meant = disambiguate.resolve_answer(context, plan, [], meant, answer)
        if meant.other_business:
            return {"stage": "again", "text": answer, "calls": []}, []
        if turn == 1 and meant.asks is not None:
            return {"stage": "lost", "calls": [], "remarks": [Remark(key="still_ambiguous", values={})]}, []
    faces = queries.faces_of(context.record, REFERENCES, None)
    kept = [face for face in faces if face.id in meant.subjects[REFERENCES]]
    for face in faces:
        if face not in kept:
            context.record.drop(record_key(REFERENCES, face.id))
    context.record.flush()
    told = ", ".join(disambiguate.describe_face(face, faces, plan) for face in kept)
    return None, [Remark(key="compared_face", values={"face": told})]


def _describing_tools(state: TurnState, context: TurnContext, plan: Plan) -> TurnState | None:
    """The calls whose evidence tells the described people apart, before anything else; None when there are none."""
    questions = disambiguate.needed_questions(context, plan, state["items"]) if state["rounds"] == 0 else []
    needed = pipeline.required_tools(questions, context.specs, has_vlm=context.has_vlm) if questions else {}
    calls = queries.calls_of(context, needed, state["items"], {}, again=False)
    if not calls:
        return None
    for question in questions:
        context.record_decision(policy.decide(question, plan.purpose, plan.jurisdiction))
    return {"calls": calls, "rounds": 1}
