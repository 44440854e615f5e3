"""The reply to one turn: what the record says, in the turn's language, with the numbers of the evidence behind it.

Nothing is measured and nothing decided here. ``E7`` is the seventh item of evidence of the conversation.
"""

from collections.abc import Iterable, Iterator, Sequence

from faceagent import policy
from faceagent.agent.chat import looking, phrases
from faceagent.agent.chat.state import Talk, Turn
from faceagent.agent.notebook import Notebook
from faceagent.agent.route import Plan, Refused
from faceagent.agent.route.replies import listed
from faceagent.judge import PICTURE_QUESTIONS, wording
from faceagent.judge.counterfactual import Change, what_would_change
from faceagent.types import (
    INCONCLUSIVE,
    QUESTIONS,
    SUBJECT,
    Evidence,
    Explanation,
    Face,
    Picture,
    PolicyDecision,
    Question,
    Verdict,
)

MOST_TOLD = 4
"""Verdicts explained at once when no question was named."""
MOST_CITED = 6
MOST_LISTED = 60


def compose_reply(state: Turn, talk: Talk, plan: Plan) -> str:
    """The whole reply; never empty."""
    language = plan.language
    parts = [phrases.refusal(language, one) for one in plan.refused]
    if plan.clarification:
        parts.append(plan.clarification)
    elif plan.kind in ("help", "out_of_scope"):
        parts.append(phrases.say(language, plan.kind, questions=listed(QUESTIONS, language)))
    elif plan.kind == "new_picture":
        parts.append(phrases.say(language, "give_picture"))
    elif plan.kind != "refused":
        parts += _body(state, talk, plan)
    parts += [phrases.say(language, one["key"], **one["values"]) for one in state.get("remarks", [])]
    return "\n".join(part for part in parts if part) or phrases.say(language, "no_record")


def _body(state: Turn, talk: Talk, plan: Plan) -> list[str]:
    language = plan.language
    if not state["items"]:
        total = len(looking.items_of(talk.book))
        return [phrases.say(language, "no_such_picture", total=str(total)) if total else ""]
    if state["stage"] == "lost":
        return []
    if state.get("signed") == "no":
        return [phrases.say(language, "withheld")]
    tell = _Telling(state, talk, plan)
    lines = {
        "why": tell.why,
        "what_would_change": tell.what_would_change,
        "evidence": tell.evidence,
        "list_faces": tell.faces,
    }.get(plan.kind, tell.verdicts)
    found = list(lines())
    if state.get("signed") == "yes":
        found.append(phrases.say(language, "released"))
    return found or [phrases.say(language, "no_record")]


class _Telling:
    """One turn's replies, by kind. Each gives its lines."""

    def __init__(self, state: Turn, talk: Talk, plan: Plan) -> None:
        self.state, self.book, self.plan, self.talk = state, talk.book, plan, talk
        self.language = plan.language
        self.numbers = {key: place for place, key in enumerate(self.book.numbered(), start=1)}

    def verdicts(self) -> Iterator[str]:
        """A line per verdict, what more was measured and why, and the notices that apply."""
        if not self.state["allowed"]:
            yield phrases.say(self.language, "nothing_allowed", purpose=self.plan.purpose)
        for item in self.state["items"]:
            lines = [self._verdict(item, verdict) for verdict in self._chosen(item, self.state["allowed"])]
            if lines:
                yield from self._header(item)
            yield from lines
            yield from self._second_looks(item)
        yield from self._notices()

    def why(self) -> Iterator[str]:
        """What each verdict rests on, step by step, as it was checked."""
        for item, verdict in self._spoken_of():
            yield from self._title("why", item, verdict)
            key = f"{item}/E:{verdict.subject}:{verdict.question}"
            if not self.book.is_a(key, Explanation):
                continue
            explanation = self.book.get(key, Explanation)
            for step in explanation.steps:
                yield f"- {step.text}{self._cites(item, step.cites)}"
            if explanation.struck:
                yield phrases.say(self.language, "struck", count=str(len(explanation.struck)))
        yield from self._untold()

    def what_would_change(self) -> Iterator[str]:
        """The smallest moves that would change each verdict, from the judge."""
        for item, verdict in self._spoken_of():
            yield from self._title("would_change", item, verdict)
            subject = self._subject(item, verdict)
            evidence = [self.book.get(key, Evidence) for key in self.book.keys(item, Evidence)]
            with self.talk.meter.work():
                found = what_would_change(verdict, subject, evidence)
            for change in found.changes:
                yield self._change("change", item, change)
            for change in found.even:
                yield self._change("even", item, change)
            for name in found.fixed:
                yield phrases.say(self.language, "fixed", evidence=self._named(item, name))
            if not (found.changes or found.fixed):
                yield phrases.say(self.language, "unchangeable")
            if found.missing:
                names = ", ".join(self._named(item, name) for name in found.missing)
                yield phrases.say(self.language, "unmeasured", evidence=names)
        yield from self._untold()

    def evidence(self) -> Iterator[str]:
        """The items asked for by number or id, or all of the pictures spoken of."""
        ordered = self.book.numbered()
        if not self.plan.evidence:
            mine = [key for key in ordered if key.partition("/")[0] in self.state["items"]]
            if self.plan.questions:
                mine = [key for key in mine if self.book.get(key, Evidence).question in self.plan.questions]
            yield from (line for key in mine[:MOST_LISTED] if (line := self._item(key)))
            return
        for name in self.plan.evidence:
            keys = find_evidence(self.book, name, self.state["items"])
            yield from (self._item(key) or self._barred(key) for key in keys)
            if not keys:
                last = phrases.say(self.language, "range", last=str(len(ordered))) if ordered else ""
                yield phrases.say(self.language, "no_such_evidence", name=name, range=last)

    def faces(self) -> Iterator[str]:
        """Every face: size, place, quality, and what it cannot be used for."""
        for item in self.state["items"]:
            yield from self._header(item)
            faces = looking.faces_of(self.book, item, None)
            if not faces:
                yield phrases.say(self.language, "no_face")
            ordered = sorted(faces, key=lambda one: one.box[0] + one.box[2])
            for face in faces:
                x0, y0, x1, y1 = face.box
                barred = listed(tuple(face.reasons), self.language)
                yield phrases.say(
                    self.language, "face", face=face.id, width=f"{x1 - x0:.0f}", height=f"{y1 - y0:.0f}",
                    place=str(ordered.index(face) + 1), total=str(len(faces)), quality=f"{face.quality.unified:.0f}",
                    use=phrases.say(self.language, "limited", questions=barred) if barred
                    else phrases.say(self.language, "usable"),
                )  # fmt: skip

    def _spoken_of(self) -> list[tuple[str, Verdict]]:
        """The verdicts a follow-up is about; few when it names none, those with an answer first."""
        questions = self.plan.questions or self.state.get("focus_questions", []) or QUESTIONS
        found = [(item, verdict) for item in self.state["items"] for verdict in self._chosen(item, questions)]
        if self.plan.questions:
            return found
        return sorted(found, key=lambda pair: pair[1].label == INCONCLUSIVE)[:MOST_TOLD]

    def _untold(self) -> Iterator[str]:
        told = {(item, verdict.id) for item, verdict in self._spoken_of()}
        questions = {
            verdict.question
            for item in self.state["items"]
            for verdict in self._chosen(item, self.plan.questions or QUESTIONS)
            if (item, verdict.id) not in told
        }
        if questions:
            names = listed([question for question in QUESTIONS if question in questions], self.language)
            yield phrases.say(self.language, "more_verdicts", questions=names)

    def _chosen(self, item: str, questions: Sequence[Question]) -> list[Verdict]:
        """Recorded verdicts of one picture on these questions, about the faces meant and the picture itself."""
        subjects = self.state["subjects"].get(item, [])
        found = [self.book.get(key, Verdict) for key in self.book.keys(item, Verdict)]
        places = {face.id: place for place, face in enumerate(looking.faces_of(self.book, item, None))}
        mine = [
            one
            for one in found
            if one.question in questions
            and self._permitted(one.question)
            and (not subjects or one.subject in subjects or one.question in PICTURE_QUESTIONS)
            # "No face" is said of the picture, and no longer holds once there are faces.
            and (one.subject in places or one.question in PICTURE_QUESTIONS or not places)
        ]
        return sorted(mine, key=lambda one: (places.get(one.subject, len(places)), QUESTIONS.index(one.question)))

    def _permitted(self, question: Question) -> bool:
        """Also what was recorded before is not given out for a purpose that forbids it."""
        return policy.decide(question, self.plan.purpose, self.plan.jurisdiction).decision != "refuse"

    def _header(self, item: str) -> Iterator[str]:
        if len(looking.items_of(self.book)) > 1:
            yield phrases.say(self.language, "picture", number=item, name=looking.name_of(self.book, item))

    def _title(self, name: str, item: str, verdict: Verdict) -> Iterator[str]:
        yield from self._header(item)
        yield phrases.say(
            self.language, name, subject=verdict.subject, question=self._question(verdict.question),
            label=phrases.label(self.language, verdict.label),
        )  # fmt: skip

    def _question(self, question: Question) -> str:
        return question.replace("_", " ") if self.language == "en" else listed((question,), self.language)

    def _verdict(self, item: str, verdict: Verdict) -> str:
        answer = verdict.wording if self.language == "en" else self._translated(verdict)
        return phrases.say(
            self.language, "verdict", subject=verdict.subject, question=self._question(verdict.question), answer=answer,
            status="" if verdict.status == "stable" or verdict.label == INCONCLUSIVE and verdict.status == "uncertain"
            else phrases.say(self.language, verdict.status),
            cites=self._cites(item, (*verdict.supports, *verdict.contradicts)),
        )  # fmt: skip

    def _translated(self, verdict: Verdict) -> str:
        label = phrases.label(self.language, verdict.label)
        if verdict.label == INCONCLUSIVE and verdict.reason:
            return phrases.say(
                self.language, "because", label=label, reason=phrases.reason(self.language, verdict.reason)
            )
        if verdict.probability is None:
            return phrases.say(self.language, "plain", label=label)
        low, high = (wording.percent(value) for value in (verdict.probability.low, verdict.probability.high))
        if verdict.llr is not None:
            ratio = wording.ratio(abs(verdict.llr)).removeprefix("LR ")
            return phrases.say(self.language, "ratio", label=label, ratio=ratio, low=low, high=high)
        value = wording.percent(verdict.probability.value)
        return phrases.say(self.language, "probability", label=label, value=value, low=low, high=high)

    def _second_looks(self, item: str) -> Iterator[str]:
        """What was measured beyond the question because a verdict was open, and how it came out."""
        for verdict in self._chosen(item, self.state["allowed"]):
            keys = [key for key in self.book.keys(item, Evidence) if key.endswith(("_closer", "_wider"))]
            looks = [
                (key, one)
                for key in keys
                if (one := self.book.get(key, Evidence)).subject == verdict.subject and one.question == verdict.question
            ]
            if not looks or verdict.status == "stable":
                continue
            yield phrases.say(
                self.language, "second_look", subject=verdict.subject, question=self._question(verdict.question),
                status=phrases.status(self.language, verdict.status), total=str(len(looks)),
                agree=str(sum(one.facts.get("agrees") == "yes" for _, one in looks)),
                cites=self._cites(item, [one.id for _, one in looks]),
            )  # fmt: skip

    def _notices(self) -> Iterator[str]:
        said = {
            (decision.notice, decision.rule)
            for decision in self.book.all(PolicyDecision)
            if decision.notice
            and decision.decision == "allow_with_notice"
            and decision.question in self.state["allowed"]
            and (decision.purpose, decision.jurisdiction) == (self.plan.purpose, self.plan.jurisdiction)
        }
        for notice, rule in sorted(said):
            yield phrases.say(self.language, "notice", notice=notice, rule=rule)

    def _subject(self, item: str, verdict: Verdict) -> Face | Picture:
        key = f"{item}/{verdict.subject}"
        return self.book.get(key, Face) if self.book.is_a(key, Face) else self.book.get(f"{item}/{SUBJECT}", Picture)

    def _change(self, name: str, item: str, change: Change) -> str:
        return phrases.say(
            self.language, name, evidence=self._named(item, change.evidence),
            entry=f" ({phrases.label(self.language, change.entry)})" if change.entry else "",
            needed=f"{change.needed:.2f}", measured=f"{change.measured:.2f}",
            label=phrases.label(self.language, change.label),
        )  # fmt: skip

    def _named(self, item: str, name: str) -> str:
        number = self.numbers.get(f"{item}/{name}")
        return name if number is None else f"E{number} ({name})"

    def _cites(self, item: str, names: Iterable[str]) -> str:
        numbers = sorted({self.numbers[key] for name in names if (key := f"{item}/{name}") in self.numbers})
        shown = ", ".join(f"E{number}" for number in numbers[:MOST_CITED])
        return f" [{shown}{', …' if len(numbers) > MOST_CITED else ''}]" if shown else ""

    def _item(self, key: str) -> str:
        permitted = self._permitted(self.book.get(key, Evidence).question)
        return evidence_line(self.book, key, self.numbers[key]) if permitted else ""

    def _barred(self, key: str) -> str:
        decision = policy.decide(self.book.get(key, Evidence).question, self.plan.purpose, self.plan.jurisdiction)
        refused = Refused(topic=decision.question, rule=decision.rule, notice=decision.notice or "")
        return phrases.refusal(self.language, refused)


def find_evidence(book: Notebook, name: str, items: Sequence[str]) -> list[str]:
    """Keys of the evidence that "E7" or "F1:AU12" names; an id is looked for in ``items`` first."""
    ordered = book.numbered()
    if name[:1] in "Ee" and name[1:].isdecimal():
        place = int(name[1:])
        return [ordered[place - 1]] if 1 <= place <= len(ordered) else []
    same = [key for key in ordered if key.partition("/")[2].casefold() == name.casefold()]
    return [key for key in same if key.partition("/")[0] in items] or same


def evidence_line(book: Notebook, key: str, number: int) -> str:
    """One item of evidence on one line: number, id, what was measured, by which tool."""
    item = book.get(key, Evidence)
    statement = " ".join(item.statement.split())
    return f"E{number} {item.id}: {statement} ({item.tool.name} {item.tool.version})"
