"""Makes a plan from a text by rules alone: what the lists of the grammar match, combined in a fixed order.

Refused topics come first, then requests to make something, the kinds of follow-up, the questions, and last greetings,
texts that are out of scope, and a question back. Policy decides about every question that was named.
"""

from typing import cast

from faceagent import policy
from faceagent.router.face_references import find_face_references, find_numbered_faces
from faceagent.router.grammar import Grammar, grammar
from faceagent.router.languages import detect_language
from faceagent.router.normalize import MAX_CHARACTERS, is_readable, join_disguised_words, normalize
from faceagent.router.plan import NOTHING_RUNS, DialogueContext, ImageReference, Intent, Plan
from faceagent.router.questions import find_questions
from faceagent.router.replies import format_questions, reply
from faceagent.types import QUESTIONS, Question, Refused

STRICTER = ("surveillance", "workplace", "education")
"""Purposes that forbid something, the strictest first."""
MAX_FOLLOW_UP = 40
"""Characters of a turn that can only name another face or picture, such as "and her?"."""
FOLLOW_UPS = frozenset[Intent]({"why", "what_would_change", "evidence", "compare", "rerun"})


def plan_by_rules(raw: str, context: DialogueContext, read: tuple[Question, ...] = ()) -> Plan:
    """The plan of one turn. Never raises for what was typed; a text that is not understood is asked back.

    Args:
        raw: the text as typed.
        context: what is known from the conversation before this turn.
        read: questions that a model found in the text, used where the rules find nothing.
    """
    lists = grammar()
    typed = normalize(raw, lists.simplified)
    obstacle = _obstacle(raw, typed.text, bool(typed.evidence))
    language = "en" if obstacle == "unreadable" else detect_language(typed.text, raw, lists.languages)
    blank = Plan(kind="unclear", language=language, purpose=context.purpose, jurisdiction=context.jurisdiction)
    if obstacle is not None:
        return blank.model_copy(update={"clarification": reply(obstacle, language, most=MAX_CHARACTERS)})
    text = lists.spelling.correct_spelling(typed.text)
    return _TurnReader(text, typed.evidence, context, lists, blank, read).plan()


def _obstacle(raw: str, text: str, has_evidence: bool) -> str | None:
    """Name of the reply to a turn that cannot be a question."""
    if not is_readable(raw):
        return "unreadable"
    if len(raw.strip()) > MAX_CHARACTERS:
        return "too_long"
    return None if text.strip(",; ") or has_evidence else "empty"


class _TurnReader:
    """Reads one turn; ``plan`` combines the parts."""

    def __init__(
        self,
        text: str,
        evidence: tuple[str, ...],
        context: DialogueContext,
        lists: Grammar,
        blank: Plan,
        read: tuple[Question, ...],
    ) -> None:
        self.text, self.evidence, self.context, self.lists, self.blank = text, evidence, context, lists, blank
        self.read = read
        self.requested = find_questions(text, lists, has_reference=context.has_reference)
        self.faces = find_face_references(text, lists)
        self.pictures = self._pictures()
        self.purpose = self._purpose()

    def plan(self) -> Plan:
        """The whole plan."""
        topics = self._topics()
        if self.requested.contradictory:
            names = format_questions(self.requested.contradictory, self.blank.language)
            words = reply("contradictory", self.blank.language, names=names)
            return self._build_plan("unclear", (), topics, words)
        only_topics = bool(topics) and not self.requested.wanted and not self.requested.rest
        kind = "refused" if only_topics else self._kind()
        questions = () if only_topics else self._questions(kind)
        allowed, refused = self._apply_policy(questions)
        if questions and not allowed and kind in ("analyse", "compare", "rerun"):
            kind = "refused"
        return self._build_plan(kind, allowed, (*topics, *refused), None)

    def _kind(self) -> Intent:
        """The kind of turn, before policy."""
        text = self.text
        if self.lists.has("making", self.lists.without("making", text, "innocent")):
            return "out_of_scope"
        for kind in self.lists.names("kinds", self.lists.without("no_evidence", text)):
            if kind != "list_faces" or not self.requested.wanted:
                return self._kind_of_comparison(cast(Intent, kind))
        if self.lists.has("new_picture", text):
            return "new_picture"
        if self.requested.wanted or self.requested.rest or self.lists.has("everything", text):
            return "analyse"
        if self.evidence:
            return "evidence"
        return self._remaining()

    def _remaining(self) -> Intent:
        if self.lists.has("out_of_scope", self.text):
            return "out_of_scope"
        if self.faces or self.pictures or self.read or (self.context.questions and self._is_follow_up()):
            return "analyse"
        return "help" if self.lists.has("help", self.text) else "unclear"

    def _is_follow_up(self) -> bool:
        """Whether a short text, such as "and her?", asks the same about another face or picture."""
        return self.lists.has("followup", self.text) and len(self.text) <= MAX_FOLLOW_UP

    def _kind_of_comparison(self, kind: Intent) -> Intent:
        """The kind of turn; a comparison of persons is a question and not a kind of its own."""
        return "analyse" if kind == "compare" and self.requested.wanted == ("identity",) else kind

    def _questions(self, kind: Intent) -> tuple[Question, ...]:
        """The questions of this turn; for a follow-up, those of the turn before."""
        if kind in ("help", "out_of_scope", "unclear", "list_faces"):
            return ()
        if self.requested.wanted:
            return self.requested.wanted
        if self.read:
            return self.read
        if self.requested.rest:
            return _all_but(self.requested.unwanted, self.context.has_reference)
        follows = kind in FOLLOW_UPS or self.lists.has("followup", self.text)
        follows |= kind == "analyse" and not self.lists.has("everything", self.text)
        return self.context.questions if follows else ()

    def _topics(self) -> tuple[Refused, ...]:
        """The refused topics that the text asks about; topics that it only leaves out do not count."""
        text = self.lists.without("harmless", join_disguised_words(self.text))
        hits = self.lists.hits("topics", text)
        if not self.requested.wanted:
            # "Is the politician angry?" asks about anger; "a politician?" about nothing else.
            hits += self.lists.hits("weak_topics", text)
        names = [hit.name for hit in hits if not self.requested.is_left_out(hit)]
        if self.lists.has("naming", text) and not self.context.has_reference:
            names.append("open_identification")
        return tuple(
            Refused(topic=name, rule=policy.TOPICS[name].rule, notice=policy.TOPICS[name].notice)
            for name in policy.TOPICS
            if name in names
        )

    def _apply_policy(self, questions: tuple[Question, ...]) -> tuple[tuple[Question, ...], tuple[Refused, ...]]:
        """The questions that the purpose allows, and the refusals of the others."""
        decisions = [policy.decide(one, self.purpose, self.context.jurisdiction) for one in questions]
        refused = tuple(
            Refused(topic=one.question, rule=one.rule, notice=one.notice or "")
            for one in decisions
            if one.decision == "refuse"
        )
        return tuple(one.question for one in decisions if one.decision != "refuse"), refused

    def _purpose(self) -> str:
        """The purpose in force, or the one that the text states where that is stricter."""
        stated = self.lists.names("purpose", self.text)
        for purpose in STRICTER:
            if purpose in (*stated, self.context.purpose):
                return purpose
        return stated[0] if stated and self.context.purpose == "unstated" else self.context.purpose

    def _pictures(self) -> tuple[ImageReference, ...]:
        text = self.text
        for hit in find_numbered_faces(text, self.lists):
            text = text[: hit.start] + "~" * (hit.end - hit.start) + text[hit.end :]
        names = dict.fromkeys(hit.name for hit in self.lists.hits("pictures", text))
        if "both" in names or {"first", "second"} <= set(names):
            return ("both",)
        if "all" in names:
            return ("all",)
        return cast(tuple[ImageReference, ...], tuple(names))

    def _build_plan(
        self, kind: Intent, questions: tuple[Question, ...], refused: tuple[Refused, ...], words: str | None
    ) -> Plan:
        """The plan with all its fields."""
        pictures, reference = self._images_and_reference(kind, questions)
        purpose = self.context.purpose if kind == "out_of_scope" else self.purpose
        found = self.blank.model_copy(
            update={
                "kind": kind,
                "questions": questions,
                "refused": refused,
                "purpose": purpose,
                "reference": reference,
                "evidence": self.evidence,
            }
        )
        if kind in NOTHING_RUNS:
            return found.model_copy(update={"clarification": words or self._question_back(found)})
        depth = self.lists.names("depth", self.text)
        update = {"pictures": pictures, "faces": () if kind == "list_faces" else self.faces}
        found = found.model_copy(update={**update, "depth": depth[0] if depth else "normal"})
        return found.model_copy(update={"clarification": words or self._question_back(found)})

    def _images_and_reference(
        self, kind: Intent, questions: tuple[Question, ...]
    ) -> tuple[tuple[ImageReference, ...], str]:
        """The pictures of the plan, and whether a reference is needed."""
        pictures = self.pictures or ("this",)
        comparing = "identity" in questions
        if kind == "compare" and self.context.pictures == 2 and len(pictures) == 1 and len(self.faces) < 2:
            pictures = ("both",)
        if not self.pictures and self.context.pictures >= 2 and len(self.faces) < 2:
            if kind == "compare" or (comparing and not self.context.has_reference):
                pictures = ("both",)
            elif kind == "new_picture":
                pictures = ("last",)
        if not comparing:
            return pictures, "none"
        if self.context.has_reference:
            return pictures, "given"
        within = len(self.faces) >= 2 or pictures[0] in ("both", "all") or self.lists.has("two", self.text)
        return pictures, "none" if within else "needed"

    def _question_back(self, plan: Plan) -> str | None:
        """What has to be asked back before a tool runs, or None."""
        if plan.kind == "unclear":
            return reply("unclear", plan.language)
        if plan.kind in NOTHING_RUNS or plan.kind == "new_picture":
            return None
        if self.context.pictures == 0:
            return reply("no_picture", plan.language)
        if plan.reference == "needed" and plan.questions == ("identity",):
            return reply("reference", plan.language)
        if self.context.pictures == 1 and set(plan.pictures) & {"second", "third", "previous", "both"}:
            return reply("no_second_picture", plan.language)
        return None


def _all_but(unwanted: tuple[Question, ...], has_reference: bool) -> tuple[Question, ...]:
    """All questions that are answered unasked, except the unwanted; empty when nothing of them is unwanted."""
    unasked = [one for one in QUESTIONS if one not in policy.OPT_IN and (one != "identity" or has_reference)]
    kept = tuple(one for one in unasked if one not in unwanted)
    return () if len(kept) == len(unasked) else kept
