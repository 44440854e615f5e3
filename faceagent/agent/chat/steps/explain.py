"""A checked explanation for every verdict that needs one: by the model for a few asked by name, else by template."""

from langgraph.runtime import Runtime

from faceagent.agent import pipeline
from faceagent.agent.chat import queries
from faceagent.agent.chat.events import Checked
from faceagent.agent.chat.state import ASKING, TurnContext, TurnState
from faceagent.agent.views import explained_crops, of_item
from faceagent.explain import VlmExplainer
from faceagent.explain.vlm_explainer import LONGEST
from faceagent.router import Plan
from faceagent.storage.conversation_store import ConversationStore
from faceagent.storage.keys import explanation_key, item_of
from faceagent.types import Explanation, Face, Verdict

MODEL_EXPLAINS = 2
"""Questions named in one turn up to which a model explains the verdicts; beyond, the template does."""


def explain(state: TurnState, runtime: Runtime[TurnContext]) -> TurnState:
    """An explanation, checked against the record, for every verdict that needs one."""
    context, store = runtime.context, runtime.context.record
    plan = Plan.model_validate(state["plan"])
    by_model = _for_the_model(state, context, plan)
    by_template = [
        key
        for item in state["items"]
        for key in store.keys(item, Verdict)
        if key not in by_model and not store.is_a(_explanation_of(key, store), Explanation)
    ]
    for keys, explainer in ((by_template, None), (by_model, context.load_explainer() if by_model else None)):
        if not keys:
            continue
        with context.stopwatch.work(), store.clock("explain"):
            for item in state["items"]:
                _explain(context, item, keys, explainer)
        store.flush()
        for key in keys:
            found = store.get(_explanation_of(key, store), Explanation)
            runtime.stream_writer(
                Checked(
                    picture=int(item_of(key)),
                    subject=found.subject,
                    question=found.question,
                    author=found.author,
                    kept=len(found.steps),
                    struck=found.struck,
                )
            )
    return {}


def _explain(context: TurnContext, item: str, keys: list[str], explainer: VlmExplainer | None) -> None:
    """Explain those of the verdicts under ``keys`` that are about one picture."""
    store = context.record
    verdicts = of_item(store, keys, item, Verdict)
    crops = explained_crops(context, item, store.keys(item, Face))
    explanations = pipeline.explain(verdicts, queries.evidence_of(store, item), explainer, crops)
    for verdict, explanation in zip(verdicts, explanations, strict=True):
        store.put(explanation_key(item, verdict), explanation)


def _for_the_model(state: TurnState, context: TurnContext, plan: Plan) -> list[str]:
    """The verdicts that a model is to explain: few, asked for by name, with the picture at hand."""
    most = context.settings.turn_tokens // LONGEST
    named = 1 <= len(plan.questions) <= MODEL_EXPLAINS
    if not most or plan.depth == "brief" or plan.kind not in ASKING or not named:
        return []
    found: list[str] = []
    for item in state["items"]:
        subjects = state["subjects"].get(item, [])
        for key in context.record.keys(item, Verdict):
            verdict = context.record.get(key, Verdict)
            meant = verdict.question in plan.questions and (not subjects or verdict.subject in subjects)
            if meant and not _tried_by_model(context.record, key):
                found.append(key)
    if len(found) > most or context.load_explainer() is None or any(map(context.gone, {item_of(key) for key in found})):
        return []
    return found


def _tried_by_model(store: ConversationStore, key: str) -> bool:
    """Whether a model has explained the verdict under ``key``, or has failed to."""
    name = _explanation_of(key, store)
    if not store.is_a(name, Explanation):
        return False
    found = store.get(name, Explanation)
    return found.author != "ledger" or found.fallback is not None


def _explanation_of(key: str, store: ConversationStore) -> str:
    """Where the explanation of the verdict under ``key`` is."""
    return explanation_key(item_of(key), store.get(key, Verdict))
