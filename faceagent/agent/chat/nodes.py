"""The steps of a turn: understand, look, point, run tools, weigh, explain, sign off, reply.

Like the pipeline's nodes they fetch nouns by key, call plain functions of the rooms, and store what these return; each
keeps the notebook before it tells, so that a process killed at any moment has lost nothing that was announced.
"""

from dataclasses import replace

from langgraph.runtime import Runtime
from langgraph.types import Send, interrupt

from faceagent import judge, policy
from faceagent.agent import nodes
from faceagent.agent.chat import commands, further, looking, phrases, pointing
from faceagent.agent.chat.events import (
    Asked,
    Checked,
    Decided,
    FacesFound,
    Noted,
    Planned,
    Recorded,
    Token,
    ToolStarted,
)
from faceagent.agent.chat.reply import compose_reply
from faceagent.agent.chat.state import MOST_TEXT, Call, Remark, Talk, Turn, budget_left
from faceagent.agent.notebook import Looked, Notebook, SignOff
from faceagent.agent.route import Context as Known
from faceagent.agent.route import Plan
from faceagent.agent.state import REFERENCES, State
from faceagent.agent.views import item_of, reference_views, view_of
from faceagent.explain.spoken import LONGEST
from faceagent.types import (
    QUESTIONS,
    Evidence,
    Explanation,
    Face,
    Picture,
    PolicyDecision,
    Problem,
    Question,
    Request,
    Source,
    Verdict,
)

ROUNDS = 2
"""How often a turn may ask for more evidence."""
ASKING = frozenset({"analyse", "compare", "rerun", "why"})
"""Kinds of turn that ask for more evidence where a verdict is open."""
STEPS_KEPT = 7
"""Steps that a further round, explaining and replying need; with fewer left nothing more is asked for."""
SPOKEN = 2
"""Questions named in one turn up to which a model puts the answers into words; beyond, the ledger does."""
WITHOUT_PICTURES = frozenset({"help", "out_of_scope", "unclear", "refused"})
FOLLOW_UPS = frozenset({"why", "what_would_change", "evidence", "list_faces"})
"""Kinds of turn that are answered from the record, once there is one."""


def understand(state: Turn, runtime: Runtime[Talk]) -> Turn:
    """The text becomes a plan; policy decides on every question of it, and every decision is recorded."""
    talk, book = runtime.context, runtime.context.book
    items, has_reference = looking.items_of(book), bool(looking.references_of(book))
    focus = state.get("focus_questions", [])
    known = Known(
        pictures=len(items),
        has_reference=has_reference,
        questions=tuple(focus),
        purpose=state.get("purpose", talk.request.purpose),
        jurisdiction=state.get("jurisdiction", talk.request.jurisdiction),
    )
    text = state["text"][:MOST_TEXT]
    new = state.get("new", [])
    if not text.strip() and new:
        # A picture without a word is a question as well: what about this one?
        plan = Plan(kind="analyse", questions=known.questions, purpose=known.purpose, jurisdiction=known.jurisdiction)
    else:
        before = state.get("plan", {}).get("language", "en")
        plan = commands.planned(text, known, before) or talk.routed(text, known)
    if plan.kind == "new_picture" and new:
        plan = plan.model_copy(update={"kind": "analyse", "pictures": ("this",)})
    runtime.stream_writer(Planned(plan=plan))
    allowed = _decided(talk, plan, has_reference)
    wanted = looking.pointed(plan.pictures, items, new, state.get("focus_items", []))
    return {
        "plan": plan.model_dump(mode="json"), "items": wanted, "subjects": {}, "allowed": allowed, "calls": [],
        "unread": bool(looking.unread(book, wanted)) or _comparing(talk, plan, wanted, allowed),
        "signing": talk.sign_off, "stage": "pointing", "rounds": 0, "made": 0, "remarks": [], "signed": None,
        "purpose": plan.purpose, "jurisdiction": plan.jurisdiction,
    }  # fmt: skip


def _decided(talk: Talk, plan: Plan, has_reference: bool) -> list[Question]:
    """The questions that may be answered; decisions and refused topics are put into the notebook."""
    topics = {one.topic for one in plan.refused}
    asked = [*plan.questions, *(question for question in QUESTIONS if question in topics)]
    decisions = [policy.decide(question, plan.purpose, plan.jurisdiction) for question in dict.fromkeys(asked)]
    if not plan.questions and plan.kind not in WITHOUT_PICTURES:
        whole = Request(purpose=plan.purpose, jurisdiction=plan.jurisdiction)
        decisions += policy.review(whole, has_reference=has_reference)
    for one in decisions:
        _record(talk, one)
    for refusal in plan.refused:
        if refusal.topic not in QUESTIONS:
            talk.book.put(f"policy/topic:{refusal.topic}", refusal)
    talk.book.keep()
    return list(dict.fromkeys(one.question for one in decisions if one.decision != "refuse"))


def _record(talk: Talk, one: PolicyDecision) -> None:
    talk.book.put(f"policy/{one.question}:{one.purpose}:{one.jurisdiction}", one)


def after_understanding(state: Turn) -> str:
    """Pictures first, unless they were read before or there is nothing to look at."""
    plan = Plan.model_validate(state["plan"])
    if plan.clarification or plan.kind in WITHOUT_PICTURES or plan.kind == "new_picture" or not state["items"]:
        return "reply"
    return "look" if state["unread"] else "point"


def look(state: Turn, runtime: Runtime[Talk]) -> Turn:
    """Pictures that were not read before are, and their faces found; the same for references."""
    talk, plan = runtime.context, Plan.model_validate(state["plan"])
    book, write = talk.book, runtime.stream_writer
    items = _with_reference(talk, plan, state["items"], state["allowed"])
    remarks = state["remarks"]
    if items != state["items"]:
        first = looking.name_of(book, state["items"][0])
        remarks = [*remarks, Remark(key="became_reference", values={"picture": first})]
    fresh = looking.unread(book, items)
    with talk.meter.work():
        read = {key: talk.shelf.take(key) for key in fresh}
        readable = [key for key, found in read.items() if isinstance(found, Picture)]
        if readable:
            nodes.find_all_faces(State(pictures=readable), runtime=runtime)  # type: ignore[arg-type]  # a Talk is a Context
    book.keep()
    for key in fresh:
        if book.is_a(key, Problem):
            name = book.get(f"{key}:source", Source).name
            problem = book.get(key, Problem)
            write(Noted(code=problem.reason, text=phrases.unreadable(plan.language, name, problem)))
    for key in readable:
        if item_of(key) != REFERENCES:
            faces = tuple(face.id for face in looking.faces_of(book, item_of(key), None))
            source = looking.name_of(book, item_of(key))
            write(FacesFound(picture=int(item_of(key)), source=source, faces=faces))
    return {"items": items, "remarks": remarks}


def _with_reference(talk: Talk, plan: Plan, items: list[str], allowed: list[Question]) -> list[str]:
    """Where persons of two pictures shall be compared and there is no reference, the first picture becomes it."""
    if not _comparing(talk, plan, items, allowed):
        return items
    book = talk.book
    first = looking.subject_key(items[0])
    book.put(f"{REFERENCES}/R1:source", book.get(f"{first}:source", Source))
    return items[1:]


def _comparing(talk: Talk, plan: Plan, items: list[str], allowed: list[Question]) -> bool:
    asked = "identity" in allowed and "identity" in plan.questions
    return asked and len(items) > 1 and not looking.references_of(talk.book)


def point(state: Turn, runtime: Runtime[Talk]) -> Turn:
    """Which faces are meant. Where two could be, the user is asked and the turn waits."""
    talk, plan = runtime.context, Plan.model_validate(state["plan"])
    book = talk.book
    needs = pointing.wanted(talk, plan, state["items"]) if state["rounds"] == 0 else []
    helpful = looking.needed(talk, state["items"], {}, needs, again=False) if needs else []
    if helpful:
        for question in needs:
            _record(talk, policy.decide(question, plan.purpose, plan.jurisdiction))
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
    if plan.kind not in FOLLOW_UPS or not _recorded(state, talk, subjects):
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


def _recorded(state: Turn, talk: Talk, subjects: dict[str, list[str]]) -> bool:
    """Whether there is a verdict to talk about."""
    return any(
        not subjects.get(item) or talk.book.get(key, Verdict).subject in subjects[item]
        for item in state["items"]
        for key in talk.book.keys(item, Verdict)
    )


def fan(state: Turn) -> list[Send] | str:
    """A parallel branch for every call; without one, on to whatever is next."""
    if state.get("calls"):
        language = state["plan"]["language"]
        return [Send("run_tool", {**call, "language": language}) for call in state["calls"]]
    return {"again": "understand", "lost": "reply", "pointing": "point"}.get(state["stage"], "weigh")


def after_explaining(state: Turn) -> str:
    """A person's word first, where a case asks for it."""
    return "sign_off" if state["signing"] else "reply"


def after_weighing(state: Turn) -> list[Send] | str:
    """More evidence where that was decided, else the explanations."""
    return fan(state) if state["calls"] else "explain"


def run_tool(state: Call, runtime: Runtime[Talk]) -> Turn:
    """One tool over its pictures. What cannot be looked at any more is told; everything else is kept at once."""
    call, talk, book, write = state, runtime.context, runtime.context.book, runtime.stream_writer
    tool = talk.tools[call["tool"]]
    with talk.meter.work():
        views = [view for item in call["items"] for view in looking.views_of(book, item, tool, call["faces"].get(item))]
        gone = {
            item: problem for item in call["items"] if (problem := talk.shelf.problem(looking.subject_key(item)))
        }  # fmt: skip
    for item, problem in gone.items():
        if talk.shelf.first_time(looking.subject_key(item)):
            words = phrases.gone(call["language"], looking.name_of(book, item), problem)
            write(Noted(code=problem.reason, text=words))
    views = [view for view in views if item_of(view) not in gone]
    if not call["look"] and not call["again"]:
        # Where a killed process left off, a tool may have looked already.
        views = looking.unseen(book, tool, views, call["questions"])
    if not views:
        return {}
    numbers = tuple(int(item) for item in call["items"] if item not in gone)
    write(ToolStarted(tool=call["tool"], pictures=numbers, look=call["look"], why=call["why"]))
    with talk.meter.work():
        keys = _second_looks(talk, call, views) if call["look"] else _first_looks(runtime, call, views)
    book.keep()
    order = {key: place for place, key in enumerate(book.numbered(), start=1)}
    for key in keys:
        write(Recorded(picture=int(item_of(key)), number=order[key], evidence=book.get(key, Evidence)))
    return {}


def _first_looks(runtime: Runtime[Talk], call: Call, views: list[str]) -> list[str]:
    book, tool = runtime.context.book, runtime.context.tools[call["tool"]]
    for key in looking.references_of(book):
        runtime.context.shelf.problem(key)
    found = nodes.run_tool(looking.fan_of(book, call, views), runtime=runtime)  # type: ignore[arg-type]  # a Talk is a Context
    looked = Looked(questions=tuple(call["questions"]), references=looking.reference_digests(book, tool))
    for view in views:
        key = looking.looked_key(view, call["tool"])
        before = book.get(key, Looked).questions if book.is_a(key, Looked) else ()
        questions = tuple(dict.fromkeys((*before, *looked.questions)))
        book.put(key, looked.model_copy(update={"questions": questions}))
    return found.get("evidence", [])


def _second_looks(talk: Talk, call: Call, views: list[str]) -> list[str]:
    book, name = talk.book, call["tool"]
    state = State(pictures=looking.references_of(book), faces=book.keys(REFERENCES, Face))
    references = reference_views(talk, state)
    known = [
        [item for key in book.keys(item_of(view), Evidence) if (item := book.get(key, Evidence)).tool.name == name]
        for view in views
    ]
    whole = [view_of(talk, view, references) for view in views]
    keys: list[str] = []
    for view, lens, first in zip(views, whole, known, strict=True):
        for item in further.look_again(talk.tools[name], [lens], call["look"], [first]):
            keys.append(book.put(f"{item_of(view)}/{item.id}", item))
        book.put(looking.looked_key(view, name, call["look"]), Looked(questions=tuple(call["questions"])))
    return keys


def gather(state: Turn) -> Turn:
    """All branches are done; what they were for is in the notebook."""
    del state
    return {"calls": []}


def weigh(state: Turn, runtime: Runtime[Talk]) -> Turn:
    """A verdict per question and face; where one is not firm and the budget allows, what more to measure."""
    talk, book = runtime.context, runtime.context.book
    plan = Plan.model_validate(state["plan"])
    if plan.kind in FOLLOW_UPS and state["rounds"] == 0 and _recorded(state, talk, state["subjects"]):
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
        _record(talk, policy.decide(question, plan.purpose, plan.jurisdiction))
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
    return done or _gone(talk, item)


def _gone(talk: Talk, item: str) -> bool:
    with talk.meter.work():
        return talk.shelf.problem(looking.subject_key(item)) is not None


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
    if len(found) > most or talk.voice() is None or any(_gone(talk, item) for item in {item_of(key) for key in found}):
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
