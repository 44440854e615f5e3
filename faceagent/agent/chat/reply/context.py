"""What one turn's reply is composed from: the record, the plan, and the numbers of the evidence."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from faceagent import policy
from faceagent.agent.chat import phrases, queries
from faceagent.agent.chat.state import TurnContext, TurnState
from faceagent.judge import PICTURE_QUESTIONS
from faceagent.router import Plan
from faceagent.router.plan import Language
from faceagent.storage.conversation_store import ConversationStore
from faceagent.storage.keys import record_key
from faceagent.types import QUESTIONS, Question, Verdict

MAX_CITED = 6


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
