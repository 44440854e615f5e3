"""What one turn's reply is composed from: the record, the plan, and the numbers of the evidence."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from faceagent import policy
from faceagent.agent.chat import phrases, queries
from faceagent.agent.chat.state import TurnContext, TurnState
from faceagent.explain.summary import summarize
from faceagent.explain.summary.places import name_faces, places_of
from faceagent.explain.summary.sentences import sentences_in
from faceagent.judge import PICTURE_QUESTIONS
from faceagent.router import Plan
from faceagent.router.plan import Language
from faceagent.storage.conversation_store import ConversationStore
from faceagent.storage.keys import record_key
from faceagent.types import INCONCLUSIVE, QUESTIONS, Evidence, Face, Question, Style, Summary, Verdict

MAX_CITED = 6
MAX_EXPLAINED = 4
"""Verdicts that a follow-up is about when it names no question."""


@dataclass(frozen=True)
class ReplyContext:
    """One turn's sources. ``numbers``: 7 for what is called E7, by key."""

    state: TurnState
    turn: TurnContext
    plan: Plan
    numbers: Mapping[str, int]

    @classmethod
    def of(cls, state: TurnState, context: TurnContext, plan: Plan) -> "ReplyContext":
        """The sources of one turn."""
        return cls(
            state, context, plan, {key: place for place, key in enumerate(context.record.evidence_keys(), start=1)}
        )

    @property
    def record(self) -> ConversationStore:
        """The record."""
        return self.turn.record

    @property
    def language(self) -> Language:
        """The turn's."""
        return self.plan.language

    @property
    def style(self) -> Style:
        """How the reply is worded: as this turn or an earlier one asked."""
        return self.state.get("wording", "plain")

    @property
    def asked(self) -> list[Question]:
        """The questions of the turn that are allowed; what was measured besides is not part of the answer."""
        wanted = self.plan.questions
        return [question for question in self.state["allowed"] if not wanted or question in wanted]

    def faces_of(self, item: str) -> tuple[Face, ...]:
        """All faces of one picture, the largest first."""
        return queries.faces_of(self.record, item, None)

    def evidence_of(self, item: str) -> list[Evidence]:
        """All evidence about one picture, also of questions that were not asked."""
        return queries.evidence_of(self.record, item)

    def questions_for(self, item: str, subject: str) -> list[Question]:
        """The questions asked about one face, where the turn asks different things of different faces."""
        targets = self.state.get("targets", [])
        if not targets:
            return self.asked
        named = {
            one["question"]
            for one in targets
            if item in one["items"] and (not one["subjects"].get(item) or subject in one["subjects"][item])
        }
        return [question for question in self.asked if question in named]

    def answered(self, item: str) -> list[Verdict]:
        """The verdicts that answer the turn for one picture."""
        return [
            one for one in self.verdicts_of(item, self.asked) if one.question in self.questions_for(item, one.subject)
        ]

    def summary(self, item: str, verdicts: Sequence[Verdict], style: Style | None = None) -> Summary:
        """What verdicts of one picture say, in the turn's language and wording."""
        return summarize(
            verdicts, self.evidence_of(item), self.faces_of(item), style=style or self.style, language=self.language
        )

    def meant(self) -> list[tuple[str, Verdict]]:
        """The verdicts that a follow-up is about; few when it names none, those with an answer first."""
        questions = self.plan.questions or self.state.get("focus_questions", []) or QUESTIONS
        found = [(item, verdict) for item in self.state["items"] for verdict in self.verdicts_of(item, questions)]
        if self.plan.questions:
            return found
        return sorted(found, key=lambda pair: pair[1].label == INCONCLUSIVE)[:MAX_EXPLAINED]

    def verdicts_of(self, item: str, questions: Sequence[Question]) -> list[Verdict]:
        """Recorded verdicts of one picture on these questions, about the faces meant and the picture itself."""
        subjects = self.state["subjects"].get(item, [])
        found = [self.record.get(key, Verdict) for key in self.record.keys(item, Verdict)]
        places = {face.id: place for place, face in enumerate(queries.faces_of(self.record, item, None))}
        mine = [
            one
            for one in found
            if one.question in questions
            and self.permitted(one.question)
            and (not subjects or one.subject in subjects or one.question in PICTURE_QUESTIONS)
            # "No face" is a verdict on the picture, and no longer holds once there are faces.
            and (one.subject in places or one.question in PICTURE_QUESTIONS or not places)
        ]
        return sorted(mine, key=lambda one: (places.get(one.subject, len(places)), QUESTIONS.index(one.question)))

    def permitted(self, question: Question) -> bool:
        """Also what was recorded before is not given out for a purpose that forbids it."""
        return policy.decide(question, self.plan.purpose, self.plan.jurisdiction).decision != "refuse"

    def face_name(self, item: str, subject: str, within: str = "subject") -> str:
        """A face of one picture by its place, as a subject or as a lead; its id alone where it is the only one."""
        words, faces = sentences_in(self.language), self.faces_of(item)
        return name_faces(words, [subject], places_of(words, faces), within) if len(faces) > 1 else subject

    def lead(self, item: str, subject: str) -> str:
        """What stands before an answer about one of several faces; empty where there is only one."""
        if len(self.faces_of(item)) < 2:
            return ""
        name = sentences_in(self.language).capital(self.face_name(item, subject, "lead"))
        return phrases.say(self.language, "lead", name=name)

    def name(self, item: str, verdict: Verdict) -> str:
        """What a verdict is about, in a list of several: "on the left (F1), apparent age"."""
        question = phrases.question(self.language, verdict.question)
        of_many = verdict.question not in PICTURE_QUESTIONS and len(self.faces_of(item)) > 1
        about = [self.face_name(item, verdict.subject, "lead")] if of_many else []
        several = len(self.state["items"]) > 1
        picture = [phrases.say(self.language, "picture_number", number=item)] if several else []
        return phrases.say(self.language, "comma").join([*picture, *about, question])

    def header(self, item: str) -> Iterator[str]:
        """The picture's name, where there are several."""
        if len(queries.items_of(self.record)) > 1:
            yield phrases.say(self.language, "picture", number=item, name=queries.name_of(self.record, item))

    def format_id(self, item: str, name: str) -> str:
        """Evidence by number and id."""
        number = self.numbers.get(record_key(item, name))
        return name if number is None else f"E{number} ({name})"

    def format_citations(self, item: str, names: Iterable[str]) -> str:
        """Evidence by number, in brackets; empty for none."""
        numbers = sorted({self.numbers[key] for name in names if (key := record_key(item, name)) in self.numbers})
        shown = ", ".join(f"E{number}" for number in numbers[:MAX_CITED])
        return f" [{shown}{', …' if len(numbers) > MAX_CITED else ''}]" if shown else ""
