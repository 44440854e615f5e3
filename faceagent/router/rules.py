"""Free text → plan by rules alone: what the grammar's lists match, put together in a fixed order.

Refused topics come first, then things to be made, the kinds of follow-up, the questions, and last what is left:
greetings, other business, and a question back. Policy is asked about every question that was named.
"""

from typing import cast

from faceagent import policy
from faceagent.router.face_references import faces_in, numbered
from faceagent.router.grammar import Grammar, grammar
from faceagent.router.normalize import MOST, normalise, readable, undisguised
from faceagent.router.plan import NOTHING_RUNS, DialogueContext, ImageReference, Intent, Language, Plan
from faceagent.router.questions import asked
from faceagent.router.replies import listed, reply
from faceagent.types import QUESTIONS, Question, Refused

STRICTER = ("surveillance", "workplace", "education")
"""Purposes that forbid something, the one that forbids most first."""
SHORT = 40
"""Characters of a turn that can be about nothing but what it points at."""
FOLLOW_UPS = frozenset[Intent]({"why", "what_would_change", "evidence", "compare", "rerun"})


def plan_by_rules(raw: str, context: DialogueContext, read: tuple[Question, ...] = ()) -> Plan:
    """The plan of one turn. Never raises for what was typed; what cannot be understood asks back.

    ``read``: questions that a model read in the text, for where the rules find nothing.
    """
    lists = grammar()
    said = normalise(raw, lists.simplified)
    obstacle = _obstacle(raw, said.text, bool(said.evidence))
    language = "en" if obstacle == "unreadable" else language_of(said.text, raw, lists)
    blank = Plan(kind="unclear", language=language, purpose=context.purpose, jurisdiction=context.jurisdiction)
    if obstacle is not None:
        return blank.model_copy(update={"clarification": reply(obstacle, language, most=MOST)})
    return _Reading(lists.spelling.mended(said.text), said.evidence, context, lists, blank, read).plan()


def _obstacle(raw: str, text: str, has_evidence: bool) -> str | None:
    """Name of the reply to a turn that is no question at all."""
    if not readable(raw):
        return "unreadable"
    if len(raw.strip()) > MOST:
        return "too_long"
    return None if text.strip(",; ") or has_evidence else "empty"


def language_of(text: str, raw: str, lists: Grammar) -> Language:
    """The language a reply should have: Chinese by its characters, Spanish by its small words and marks."""
    chinese = sum(1 for mark in text if "\u3400" <= mark <= "\u9fff")
    latin = len([word for word in text.split() if word.isascii() and word.isalpha()])
    if chinese > latin or chinese >= 4:
        return "zh"
    spanish = len(lists.hits("language", text)) and _count(lists, text, "es") + 2 * any(mark in raw for mark in "¿¡ñÑ")
    return "es" if spanish > _count(lists, text, "en") else "en"


def _count(lists: Grammar, text: str, name: str) -> int:
    return sum(1 for hit in lists.hits("language", text) if hit.name == name)


class _Reading:
    """One turn being read; ``plan`` puts the parts together."""

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
        self.asked = asked(text, lists, has_reference=context.has_reference)
        self.faces = faces_in(text, lists)
        self.pictures = self._pictures()
        self.purpose = self._purpose()

    def plan(self) -> Plan:
        """The whole plan."""
        topics = self._topics()
        if self.asked.contradictory:
            words = reply(
                "contradictory", self.blank.language, names=listed(self.asked.contradictory, self.blank.language)
            )
            return self._finished("unclear", (), topics, words)
        only_topics = bool(topics) and not self.asked.wanted and not self.asked.rest
        kind = "refused" if only_topics else self._kind()
        questions = () if only_topics else self._questions(kind)
        allowed, refused = self._reviewed(questions)
        if questions and not allowed and kind in ("analyse", "compare", "rerun"):
            kind = "refused"
        return self._finished(kind, allowed, (*topics, *refused), None)

    def _kind(self) -> Intent:
        """What kind of turn this is, before policy."""
        text = self.text
        if self.lists.has("making", self.lists.without("making", text, "innocent")):
            return "out_of_scope"
        for kind in self.lists.names("kinds", self.lists.without("no_evidence", text)):
            if kind != "list_faces" or not self.asked.wanted:
                return self._compared(cast(Intent, kind))
        if self.lists.has("new_picture", text):
            return "new_picture"
        if self.asked.wanted or self.asked.rest or self.lists.has("everything", text):
            return "analyse"
        if self.evidence:
            return "evidence"
        return self._remaining()

    def _remaining(self) -> Intent:
        if self.lists.has("out_of_scope", self.text):
            return "out_of_scope"
        if self.faces or self.pictures or self.read or (self.context.questions and self._goes_on()):
            return "analyse"
        return "help" if self.lists.has("help", self.text) else "unclear"

    def _goes_on(self) -> bool:
        """Whether a few words, such as "and her?", ask the same of somebody or something else."""
        return self.lists.has("followup", self.text) and len(self.text) <= SHORT

    def _compared(self, kind: Intent) -> Intent:
        """Comparing persons is a question, not a kind of turn."""
        return "analyse" if kind == "compare" and self.asked.wanted == ("identity",) else kind

    def _questions(self, kind: Intent) -> tuple[Question, ...]:
        """What was asked, or for follow-ups what was asked before."""
        if kind in ("help", "out_of_scope", "unclear", "list_faces"):
            return ()
        if self.asked.wanted:
            return self.asked.wanted
        if self.read:
            return self.read
        if self.asked.rest:
            return _all_but(self.asked.unwanted, self.context.has_reference)
        follows = kind in FOLLOW_UPS or self.lists.has("followup", self.text)
        follows |= kind == "analyse" and not self.lists.has("everything", self.text)
        return self.context.questions if follows else ()

    def _topics(self) -> tuple[Refused, ...]:
        """What no purpose allows, unless it is only mentioned to be left out."""
        text = self.lists.without("harmless", undisguised(self.text))
        hits = self.lists.hits("topics", text)
        if not self.asked.wanted:
            # "Is the politician angry?" asks about anger; "a politician?" about nothing else.
            hits += self.lists.hits("weak_topics", text)
        names = [hit.name for hit in hits if not self.asked.left_out(hit)]
        if self.lists.has("naming", text) and not self.context.has_reference:
            names.append("open_identification")
        return tuple(
            Refused(topic=name, rule=policy.TOPICS[name].rule, notice=policy.TOPICS[name].notice)
            for name in policy.TOPICS
            if name in names
        )

    def _reviewed(self, questions: tuple[Question, ...]) -> tuple[tuple[Question, ...], tuple[Refused, ...]]:
        """The questions that the purpose allows, and those that it does not."""
        decisions = [policy.decide(one, self.purpose, self.context.jurisdiction) for one in questions]
        refused = tuple(
            Refused(topic=one.question, rule=one.rule, notice=one.notice or "")
            for one in decisions
            if one.decision == "refuse"
        )
        return tuple(one.question for one in decisions if one.decision != "refuse"), refused

    def _purpose(self) -> str:
        """The purpose that the text states, where it forbids more than the one in force; else the one in force."""
        stated = self.lists.names("purpose", self.text)
        for purpose in STRICTER:
            if purpose in (*stated, self.context.purpose):
                return purpose
        return stated[0] if stated and self.context.purpose == "unstated" else self.context.purpose

    def _pictures(self) -> tuple[ImageReference, ...]:
        text = self.text
        for hit in numbered(text, self.lists):
            text = text[: hit.start] + "~" * (hit.end - hit.start) + text[hit.end :]
        names = dict.fromkeys(hit.name for hit in self.lists.hits("pictures", text))
        if "both" in names or {"first", "second"} <= set(names):
            return ("both",)
        if "all" in names:
            return ("all",)
        return cast(tuple[ImageReference, ...], tuple(names))

    def _finished(
        self, kind: Intent, questions: tuple[Question, ...], refused: tuple[Refused, ...], words: str | None
    ) -> Plan:
        """The plan with everything that does not depend on its kind."""
        pictures, reference = self._compared_with(kind, questions)
        purpose = self.context.purpose if kind == "out_of_scope" else self.purpose
        found = self.blank.model_copy(
            update={
                "kind": kind, "questions": questions, "refused": refused, "purpose": purpose,
                "reference": reference, "evidence": self.evidence,
            }
        )  # fmt: skip
        if kind in NOTHING_RUNS:
            return found.model_copy(update={"clarification": words or self._question_back(found)})
        depth = self.lists.names("depth", self.text)
        update = {"pictures": pictures, "faces": () if kind == "list_faces" else self.faces}
        found = found.model_copy(update={**update, "depth": depth[0] if depth else "normal"})
        return found.model_copy(update={"clarification": words or self._question_back(found)})

    def _compared_with(self, kind: Intent, questions: tuple[Question, ...]) -> tuple[tuple[ImageReference, ...], str]:
        """Which pictures, and whether a reference is needed."""
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
        """What is to be asked before anything is run, if anything."""
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
    """Everything that is answered unasked, without what was declined; empty where that leaves nothing out."""
    unasked = [one for one in QUESTIONS if one not in policy.OPT_IN and (one != "identity" or has_reference)]
    kept = tuple(one for one in unasked if one not in unwanted)
    return () if len(kept) == len(unasked) else kept
