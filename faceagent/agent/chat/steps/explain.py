"""A checked explanation for every verdict that needs one: a model's for a few asked for by name, else the ledger's."""

from dataclasses import replace

from langgraph.runtime import Runtime

from faceagent.agent import nodes
from faceagent.agent.chat import queries
from faceagent.agent.chat.events import Checked
from faceagent.agent.chat.state import ASKING, TurnContext, TurnState
from faceagent.agent.views import item_of
from faceagent.explain.spoken import LONGEST
from faceagent.router import Plan
from faceagent.storage.conversation_store import ConversationStore
from faceagent.types import Explanation, Verdict

SPOKEN = 2
"""Questions named in one turn up to which a model puts the answers into words; beyond, the ledger does."""


def explain(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """An explanation, written by the pipeline's own node and checked, for every verdict that needs one."""
    context, store = runtime.context, runtime.context.store
    plan = Plan.model_validate(state["plan"])
    spoken = _to_be_spoken(state, context, plan)
    plain = [
        key
        for item in state["items"]
        for key in store.keys(item, Verdict)
        if key not in spoken and not store.is_a(_explanation_key(key, store), Explanation)
    ]
    for keys, narrator in ((plain, None), (spoken, context.voice() if spoken else None)):
        if not keys:
            continue
        with context.meter.work():
            given = queries.pipeline_state(store, state["items"], keys)
            nodes.explain_verdicts(given, runtime=replace(runtime, context=replace(context, narrator=narrator)))  # type: ignore[arg-type]  # a Talk is a Context
        store.keep()
        for key in keys:
            found = store.get(_explanation_key(key, store), Explanation)
            runtime.stream_writer(
                Checked(
                    picture=int(item_of(key)), subject=found.subject, question=found.question, author=found.author,
                    kept=len(found.steps), struck=found.struck,
                )
            )  # fmt: skip
    return {}


def _to_be_spoken(state: TurnState, context: TurnContext, plan: Plan) -> list[str]:
    """The verdicts that a model shall put into words: few, asked for by name, with the picture at hand."""
    most = context.settings.turn_tokens // LONGEST
    if not most or plan.depth == "brief" or plan.kind not in ASKING or not 1 <= len(plan.questions) <= SPOKEN:
        return []
    found: list[str] = []
    for item in state["items"]:
        subjects = state["subjects"].get(item, [])
        for key in context.store.keys(item, Verdict):
            verdict = context.store.get(key, Verdict)
            meant = verdict.question in plan.questions and (not subjects or verdict.subject in subjects)
            if meant and not _voiced(context, key):
                found.append(key)
    if (
        len(found) > most
        or context.voice() is None
        or any(context.gone(item) for item in {item_of(key) for key in found})
    ):
        return []
    return found


def _voiced(context: TurnContext, key: str) -> bool:
    """Whether a model has explained the verdict under ``key``, or has failed to."""
    name = _explanation_key(key, context.store)
    if not context.store.is_a(name, Explanation):
        return False
    found = context.store.get(name, Explanation)
    return found.author != "ledger" or found.fallback is not None


def _explanation_key(key: str, store: ConversationStore) -> str:
    """Where the explanation of the verdict under ``key`` is."""
    verdict = store.get(key, Verdict)
    return f"{item_of(key)}/E:{verdict.subject}:{verdict.question}"
