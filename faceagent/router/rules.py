"""Makes a plan from a text by rules alone: what the lists of the grammar match, combined in a fixed order.

Refused topics come first, then requests to make something, the kinds of follow-up, the questions, and last greetings,
texts that are out of scope, and a question back. Policy decides about every question that was named.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal, NamedTuple, cast

from faceagent import policy
from faceagent.router import details
from faceagent.router.face_references import completed, find_face_references, find_numbered_faces
from faceagent.router.grammar import Grammar, grammar
from faceagent.router.languages import detect_language
from faceagent.router.normalize import MAX_CHARACTERS, is_readable, join_disguised_words, normalize
from faceagent.router.plan import (
    FILE_FACTS,
    FOLLOW_UPS,
    NOTHING_RUNS,
    Depth,
    DialogueContext,
    FaceReference,
    FileFact,
    ImageReference,
    Intent,
    Language,
    Plan,
    PurposeChange,
    Target,
)
from faceagent.router.questions import RequestedQuestions, find_questions
from faceagent.router.replies import format_questions, reply
from faceagent.router.targets import find_targets
from faceagent.types import QUESTIONS, Question, Refused

ANSWER_FORMS = frozenset[Intent]({"percent", "yes_no", "simplify"})
STRICTER = ("surveillance", "workplace", "education")
"""Purposes that forbid something, the strictest first."""
MAX_FOLLOW_UP = 40
"""Characters of a turn that can only name another face or picture, such as "and her?"."""


class Advice(NamedTuple):
    """What a model read in a text, as far as it is to count; see ``arbitration``. Policy decides about it as ever."""

    kind: Intent | Literal["everything", "follow"] | None = None
    questions: tuple[Question, ...] | None = None
    topics: tuple[str, ...] = ()
    """Refused topics that the rules did not find."""
    dropped: frozenset[str] = frozenset()
    """Refused topics that the rules found in words which only describe somebody or something."""
    has_purpose: bool = True
    """False: what the rules take for a purpose is none."""
    purpose: str | None = None
    """A purpose that the rules did not find."""
    file_facts: tuple[FileFact, ...] = ()
    """Facts of the file that the rules did not find."""
    depth: Depth = "normal"
    """How thoroughly to look, where the rules do not tell it."""
    language: Language | None = None
    """The language of the turn where the rules do not tell it."""
    absent: frozenset[str] = frozenset()
    """Details (``reader.details_of``) that words of the turn name and that nobody in the picture is meant by."""
    faces: tuple[FaceReference, ...] = ()
    """Who is meant, where the rules found nobody, or what more is said of the one whom they found."""


NO_ADVICE = Advice()
PicturesNamed = tuple[tuple[ImageReference, int, int], ...]
"""The pictures that a text names, each with the start and end of its words."""


def plan_by_rules(raw: str, context: DialogueContext, advice: Advice = NO_ADVICE) -> Plan:
    """The plan of one turn. Never raises for what was typed; a text that is not understood is asked back.

    Args:
        raw: the text as typed.
        context: what is known from the conversation before this turn.
        advice: what a model read and the rules are to go by; default: the rules alone.
    """
    lists = grammar()
    typed = normalize(raw, lists.simplified)
    obstacle = _obstacle(raw, typed.text, bool(typed.evidence))
    language = "en" if obstacle == "unreadable" else detect_language(typed.text, raw, lists.languages, context.language)
    language = advice.language or language
    blank = Plan(kind="unclear", language=language, purpose=context.purpose, jurisdiction=context.jurisdiction)
    if obstacle is not None:
        return blank.model_copy(update={"clarification": reply(obstacle, language, most=MAX_CHARACTERS)})
    text = lists.spelling.correct_spelling(typed.text)
    plan = _TurnReader(text, typed.evidence, context, lists, blank, advice).plan()
    if plan.kind != "define":
        return plan
    return plan.model_copy(update={"term": details.as_typed(plan.term, raw, lists)})


def is_question(raw: str) -> bool:
    """Whether a turn has letters to read: neither empty, nor a file, nor too long, nor only ids of evidence."""
    typed = normalize(raw, grammar().simplified)
    return _obstacle(raw, typed.text, has_evidence=False) is None


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
        advice: Advice,
    ) -> None:
        self.text, self.evidence, self.context, self.lists, self.blank = text, evidence, context, lists, blank
        self.advice = advice
        self.requested = self._requested(text)
        self.named_pictures = self._find_pictures(text)
        self.faces = find_face_references(text, lists, self.named_pictures, advice.absent)
        self.faces = completed(self.faces, advice.faces, lists)
        self.pictures = _image_references(self.named_pictures)
        if not self.requested.wanted and self._looks_for_someone():
            self.requested = replace(self.requested, wanted=("identity",))
        self.term = details.find_term(text, lists)
        self.purpose, self.purpose_change = self._purpose()

    def plan(self) -> Plan:
        """The whole plan."""
        topics = self._topics()
        if self.requested.contradictory:
            names = format_questions(self.requested.contradictory, self.blank.language)
            words = reply("contradictory", self.blank.language, names=names)
            return self._build_plan("unclear", (), topics, words)
        only_topics = (
            self.advice.kind == "refused" or bool(topics) and not self.requested.wanted and not self.requested.rest
        )
        kind = "refused" if only_topics else self._kind()
        questions = () if only_topics else self._questions(kind)
        allowed, refused = self._apply_policy(questions)
        if questions and not allowed and kind in ("analyse", "compare", "rerun"):
            kind = "refused"
        return self._build_plan(kind, allowed, (*topics, *refused), None)

    def _looks_for_someone(self) -> bool:
        """Whether a person of one picture is named together with another picture: "is the man of pic 1 in pic 2?"."""
        if len(self.faces) != 1 or self.faces[0].picture is None:
            return False
        return bool({name for name, _, _ in self.named_pictures} - {self.faces[0].picture})

    def _requested(self, text: str) -> RequestedQuestions:
        """The questions of a text; those that only a fact of the file asks for included."""
        found = find_questions(text, self.lists, has_reference=self.context.has_reference)
        if self.advice.questions is not None and not (
            found.contradictory and set(self.advice.questions) <= set(found.contradictory)
        ):
            return replace(found, wanted=self.advice.questions, contradictory=(), rest=False)
        if found.wanted or found.rest or found.contradictory:
            return found
        facts = details.find_file_facts(text, self.lists, ())
        wanted = {details.FACT_QUESTIONS[fact] for fact in facts}
        return replace(found, wanted=tuple(one for one in QUESTIONS if one in wanted))

    def _kind(self) -> Intent:
        """The kind of turn, before policy."""
        text = self.text
        if self.advice.kind is not None:
            return "analyse" if self.advice.kind in ("everything", "follow") else cast(Intent, self.advice.kind)
        if self.term is not None:
            return "define"
        forms = [] if self._asks_anew() else self.lists.names("answer_forms", text)
        if forms:
            return cast(Intent, forms[0])
        making = self.lists.without("making", self.lists.without("kinds", text, "report"), "innocent")
        if self.lists.has("making", making):
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

    def _asks_anew(self) -> bool:
        """Whether something is asked that was not answered in the turn before: "yes or no: is it fake?" may not be."""
        if set(self.requested.wanted) <= set(self.context.questions) and not (self.faces or self.pictures):
            return False
        return bool(self.requested.wanted)

    def _remaining(self) -> Intent:
        talk = self.lists.names("small_talk", self.text)
        if talk:
            return cast(Intent, talk[0])
        if self.lists.has("out_of_scope", self.text):
            return "out_of_scope"
        if self.faces or self.pictures or (self.context.questions and self._is_follow_up()):
            return "analyse"
        if self.purpose_change != "none":
            return "purpose"
        return "help" if self.lists.has("help", self.text) else "unclear"

    def _is_follow_up(self) -> bool:
        """Whether a short text, such as "and her?", asks the same about another face or picture."""
        return self.lists.has("followup", self.text) and len(self.text) <= MAX_FOLLOW_UP

    def _kind_of_comparison(self, kind: Intent) -> Intent:
        """The kind of turn; a comparison of persons is a question and not a kind of its own."""
        return "analyse" if kind == "compare" and self.requested.wanted == ("identity",) else kind

    def _questions(self, kind: Intent) -> tuple[Question, ...]:
        """The questions of this turn; for a follow-up, those of the turn before."""
        if kind in NOTHING_RUNS or kind == "list_faces":
            return ()
        if self.requested.wanted:
            return self.requested.wanted
        if self.requested.rest:
            return _all_but(self.requested.unwanted, self.context.has_reference)
        if self.advice.kind == "everything":
            return ()
        follows = kind in FOLLOW_UPS or self.lists.has("followup", self.text)
        follows |= kind == "analyse" and not self.lists.has("everything", self.text)
        return self.context.questions if follows else ()

    def _topics(self) -> tuple[Refused, ...]:
        """The refused topics that the text asks about; topics that it only leaves out do not count."""
        if self.lists.has("kinds", self.text, "why_refused"):
            return ()
        text = self.lists.without("harmless", join_disguised_words(self.text))
        hits = self.lists.hits("topics", text)
        # The reader cannot read a word that was disguised, and has no say about it.
        disguised = {hit.name for hit in hits} - set(self.lists.names("topics", self.text))
        if not self.requested.wanted:
            # "Is the politician angry?" asks about anger; "a politician?" about nothing else.
            hits += self.lists.hits("weak_topics", text)
        names = [hit.name for hit in hits if not self.requested.is_left_out(hit)]
        if self.lists.has("naming", text) and not self.context.has_reference:
            names.append("open_identification")
        names = [name for name in names if name in disguised or name not in self.advice.dropped]
        names += self.advice.topics
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

    def _purpose(self) -> tuple[str, PurposeChange]:
        """The purpose in force after this turn, and whether this turn changed it.

        A text can state a purpose where none is in force, or a stricter one. It can take back what a text stated, in a
        turn of its own: a question beside it would be answered for a purpose that was denied only to ask it.
        """
        known, back = self.context.purpose, self.context.settings_purpose
        if back is not None and not self.requested.wanted and self.lists.has("revoke_purpose", self.text):
            return back, "revoked" if back != known else "none"
        stated = self.lists.names("purpose", self.text) if self.advice.has_purpose else []
        stated = stated or ([self.advice.purpose] if self.advice.purpose else [])
        for purpose in STRICTER:
            if purpose in (*stated, known):
                return purpose, "none" if purpose == known else "stated"
        return (stated[0], "stated") if stated and known == "unstated" else (known, "none")

    def _find_pictures(self, text: str) -> PicturesNamed:
        """The pictures that a text names; faces that are called by number are none.

        Nor is "some other picture", from which a part of the only one may come.
        """
        if self.context.pictures < 2 and self.requested.wanted and "identity" not in self.requested.wanted:
            text = self.lists.without("indefinite_picture", text)
        for hit in find_numbered_faces(text, self.lists):
            text = text[: hit.start] + "~" * (hit.end - hit.start) + text[hit.end :]
        return tuple((cast(ImageReference, hit.name), hit.start, hit.end) for hit in self.lists.hits("pictures", text))

    def _targets(self, questions: tuple[Question, ...]) -> tuple[Target, ...]:
        def faces_of(clause: str) -> tuple[FaceReference, ...]:
            return find_face_references(clause, self.lists)

        return find_targets(
            self.text,
            self.lists,
            questions,
            lambda clause: self._requested(clause).wanted,
            lambda clause: _image_references(self._find_pictures(clause)),
            faces_of,
        )

    def _build_plan(
        self, kind: Intent, questions: tuple[Question, ...], refused: tuple[Refused, ...], words: str | None
    ) -> Plan:
        """The plan with all its fields."""
        pictures, reference = self._images_and_reference(kind, questions)
        change = kind != "out_of_scope"
        found = self.blank.model_copy(
            update={
                "kind": kind,
                "questions": questions,
                "refused": refused,
                "purpose": self.purpose if change else self.context.purpose,
                "purpose_change": self.purpose_change if change else "none",
                "reference": reference,
                "evidence": self.evidence,
                "term": (self.term or details.glossary_term(self.text, self.lists)) if kind == "define" else None,
            }
        )
        if kind in NOTHING_RUNS:
            return found.model_copy(update={"clarification": words or self._question_back(found)})
        # "Yes or no" alone asks for a form of answer and for no quicker look.
        depth = (
            "normal" if kind in ANSWER_FORMS else next(iter(self.lists.names("depth", self.text)), self.advice.depth)
        )
        update = {
            "pictures": pictures,
            "faces": () if kind == "list_faces" else self.faces,
            "targets": self._targets(questions),
            "parts": details.find_parts(self.text, self.lists, self.requested.spans),
            "excluded": self.requested.unwanted,
            "file_facts": self._file_facts(questions),
            "depth": depth,
            "expected": details.find_expected(self.text, self.lists, questions),
            "wording": details.find_wording(self.text, self.lists, depth),
        }
        found = found.model_copy(update=update)
        return found.model_copy(update={"clarification": words or self._question_back(found)})

    def _file_facts(self, questions: tuple[Question, ...]) -> tuple[FileFact, ...]:
        """What is asked of the file's record, by the rules and the model; none where no question holds it."""
        named = {*details.find_file_facts(self.text, self.lists, questions), *self.advice.file_facts}
        return tuple(one for one in FILE_FACTS if one in named and details.FACT_QUESTIONS[one] in questions)

    def _images_and_reference(
        self, kind: Intent, questions: tuple[Question, ...]
    ) -> tuple[tuple[ImageReference, ...], str]:
        """The pictures of the plan, and whether a reference is needed."""
        pictures = self.pictures or ("this",)
        if self.context.pictures == 1 and set(pictures) <= {"first", "last"}:
            # The only one, or no picture: "one by one", "they sent back my last one".
            pictures = ("this",)
        comparing = "identity" in questions
        if kind == "compare" and self.context.pictures == 2 and len(pictures) == 1 and len(self.faces) < 2:
            pictures = ("both",)
        if not self.pictures and self.context.pictures >= 2 and len(self.faces) < 2:
            if kind == "compare" or (comparing and not self.context.has_reference):
                pictures = ("both",)
            elif kind == "new_picture":
                pictures = ("last",)
        # A turn about an answer that was given needs no second picture.
        if not comparing or (kind in FOLLOW_UPS - {"compare", "rerun"} and not self.context.has_reference):
            return pictures, "none"
        if self.context.has_reference:
            return pictures, "given"
        within = (
            max(len(self.faces), len(pictures)) >= 2
            or pictures[0] in ("both", "all")
            or self.lists.has("two", self.text)
        )
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


def _image_references(named: Iterable[tuple[ImageReference, int, int]]) -> tuple[ImageReference, ...]:
    """The pictures of a plan, from those that a text names."""
    names = dict.fromkeys(name for name, _, _ in named)
    if "both" in names or {"first", "second"} <= set(names):
        return ("both",)
    return ("all",) if "all" in names else tuple(names)


def _all_but(unwanted: tuple[Question, ...], has_reference: bool) -> tuple[Question, ...]:
    """All questions that are answered unasked, except the unwanted; empty when nothing of them is unwanted."""
    unasked = [one for one in QUESTIONS if one not in policy.OPT_IN and (one != "identity" or has_reference)]
    kept = tuple(one for one in unasked if one not in unwanted)
    return () if len(kept) == len(unasked) else kept
