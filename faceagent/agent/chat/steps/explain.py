"""A checked explanation for every verdict that needs one: a model's for a few asked for by name, else the ledger's."""

from dataclasses import replace

from langgraph.runtime import Runtime

from faceagent.agent import nodes
from faceagent.agent.chat import looking
from faceagent.agent.chat.events import Checked
from faceagent.agent.chat.state import ASKING, Talk, Turn
from faceagent.agent.notebook import Notebook
from faceagent.agent.route import Plan
from faceagent.agent.views import item_of
from faceagent.explain.spoken import LONGEST
from faceagent.types import Explanation, Verdict

SPOKEN = 2
"""Questions named in one turn up to which a model puts the answers into words; beyond, the ledger does."""


def explain(state: Turn, runtime: Runtime[Talk]) -> Turn:
    """An explanation, written by the pipeline's own node and checked, for every verdict that needs one."""
    talk, book = runtime.context, runtime.context.book
    plan = Plan.model_validate(state["plan"])
    spoken = _to_be_spoken(state, talk, plan)
    plain = [
        key
        for item in state["items"]
        for key in book.keys(item, Verdict)
        if key not in spoken and not book.is_a(_explanation_key(key, book), Explanation)
    ]
    for keys, narrator in ((plain, None), (spoken, talk.voice() if spoken else None)):
        if not keys:
            continue
        with talk.meter.work():
            given = looking.pipeline_state(book, state["items"], keys)
            nodes.explain_verdicts(given, runtime=replace(runtime, context=replace(talk, narrator=narrator)))  # type: ignore[arg-type]  # a Talk is a Context
        book.keep()
        for key in keys:
            found = book.get(_explanation_key(key, book), Explanation)
            runtime.stream_writer(
                Checked(
                    picture=int(item_of(key)), subject=found.subject, question=found.question, author=found.author,
                    kept=len(found.steps), struck=found.struck,
                )
            )  # fmt: skip
    return {}


def _to_be_spoken(state: Turn, talk: Talk, plan: Plan) -> list[str]:
    """The verdicts that a model shall put into words: few, asked for by name, with the picture at hand."""
    most = talk.settings.turn_tokens // LONGEST
    if not most or plan.depth == "brief" or plan.kind not in ASKING or not 1 <= len(plan.questions) <= SPOKEN:
        return []
    found: list[str] = []
    for item in state["items"]:
        subjects = state["subjects"].get(item, [])
        for key in talk.book.keys(item, Verdict):
            verdict = talk.book.get(key, Verdict)
            meant = verdict.question in plan.questions and (not subjects or verdict.subject in subjects)
            if meant and not _voiced(talk, key):
                found.append(key)
    if len(found) > most or talk.voice() is None or any(talk.gone(item) for item in {item_of(key) for key in found}):
        return []
    return found


def _voiced(talk: Talk, key: str) -> bool:
    """Whether a model has explained the verdict under ``key``, or has failed to."""
    name = _explanation_key(key, talk.book)
    if not talk.book.is_a(name, Explanation):
        return False
    found = talk.book.get(name, Explanation)
    return found.author != "ledger" or found.fallback is not None


def _explanation_key(key: str, book: Notebook) -> str:
    """Where the explanation of the verdict under ``key`` is."""
    verdict = book.get(key, Verdict)
    return f"{item_of(key)}/E:{verdict.subject}:{verdict.question}"
