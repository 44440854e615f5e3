"""Combines what the rules and the reader make of a turn.

Rules that matched a phrase are right more often than the reader, so they stand unless the reader is nearly certain of
something else. The reader decides where the rules found nothing, whether a text is a request at all, and whether a
refusal or a purpose rests on a word that only describes somebody. The thresholds were chosen on sentences that neither
the rules nor the networks had seen (``python -m finetune.text.reader --without``), towards asking back.
"""

from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple, cast

from faceagent import policy
from faceagent.router.face_references import without_details
from faceagent.router.foreign import foreign_language, plan_foreign
from faceagent.router.grammar import grammar
from faceagent.router.plan import (
    FILE_FACTS,
    FOLLOW_UPS,
    NOTHING_RUNS,
    DialogueContext,
    FaceReference,
    FileFact,
    Intent,
    Plan,
)
from faceagent.router.read_details import (
    ADDED_DETAIL,
    LIKELY_DETAIL,
    SURE_OF_LONG,
    absent_details,
    added_faces,
    read_depth,
)
from faceagent.router.reader import NO_REQUEST, Reading
from faceagent.router.rules import ANSWER_FORMS, Advice, plan_by_rules
from faceagent.types import QUESTIONS, Question

NOT_A_REQUEST = 0.45
"""Probability of a remark from which a text starts nothing, although the rules found topics or questions in it, where
the reader finds these neither likely nor likelier than the remark."""
UNSUPPORTED, LIKELY_REMARK = 0.1, 0.2
"""Probability below which the reader does not see a question of the rules; where it sees no other either, the text is a
remark from the second probability on, and asked back below it."""
SURE_KIND = 0.4
"""Probability from which the reader's kind of turn counts where the rules found none."""
OVERRULING, OVERRULING_FOLLOWED = 0.65, 0.8
"""Probability from which the reader's kind of turn counts against that of the rules, a remark and a comparison among
them; the second where it says "the same about something else"."""
SURE_QUESTION, LEADING_QUESTION = 0.5, 0.35
"""Probability from which a question counts where the rules found none; the second for the likeliest one alone."""
CERTAIN_QUESTION, DROPPED_QUESTION, ADDED_QUESTION = 0.85, 0.15, 0.55
STRAY_QUESTION, SURELY_MEANT = 0.3, 0.97
"""Beside a question of the first probability the rules' questions below the second are dropped, and questions from the
third on are added. From a long text, read piece by piece,
whatever is below ``STRAY_QUESTION`` is dropped. What the rules take as left out is asked from ``SURELY_MEANT`` on."""
DESCRIBING, DROPPED_TOPIC, DROPPED_ALONE = 0.2, 0.1, 0.03
"""Probability below which a refused topic of the rules is taken as a describing word: where another question is
certain, where one is asked, and where none is; in all cases only where the turn as a whole is hardly one to refuse."""
HARDLY_REFUSED = 0.3
NAMING = "open_identification"
ADDED_TOPIC, ADDED_TO_QUESTION = 0.5, 0.9
"""Probability from which a topic is refused that the rules did not find; the second where they found a question."""
REFUSED_KIND, LEADING_TOPIC = 0.6, 0.25
"""Probability of a turn that must be refused, whichever topic it is, from which the likeliest topic counts; and the
least probability of that topic."""
NO_PURPOSE, AGREED_PURPOSE, SURE_PURPOSE, CERTAIN_PURPOSE = 0.05, 0.4, 0.5, 0.9
"""Probability below which a purpose that the rules found in a text is not taken as stated, never for surveillance; and
from which one counts that the rules found in a long text, and the likeliest; and from which a text that asks nothing
states it."""
SPANISH = 0.8
"""Probability of Spanish from which a text without a sign of any language is answered in it."""
OVERRULED = FOLLOW_UPS | {"new_picture", "list_faces"}
"""Kinds that the rules choose from a phrase which also stands in other turns."""
SPECIFIC = (FOLLOW_UPS | NOTHING_RUNS | {"report", "list_faces", "new_picture"}) - {NO_REQUEST, "refused", "unclear"}
"""Kinds of the reader that can count against those of the rules."""


class Least(NamedTuple):
    """Probabilities of an analysis and of a question in it, from which they count against the rules' kind of turn."""

    kind: float
    question: float


ASKED = Least(OVERRULING, CERTAIN_QUESTION)
FOLLOWING = (ASKED, Least(SURE_QUESTION, SURE_QUESTION))
ANALYSIS_AGAINST: Mapping[str, tuple[Least | None, Least | None]] = {
    "compare": (None, Least(OVERRULING, SURE_QUESTION)),
    "rerun": (None, ASKED),
    "new_picture": (None, None),
    "list_faces": (ASKED, ASKED),
    "purpose": (ASKED, ASKED),
}
"""By the rules' kind of turn: where what it presupposes holds, and where it does not. A comparison presupposes two
pictures, the other kinds an answer that was given: "is that a real smile?" asks for no reason before any. For kinds
that are not named here: ``FOLLOWING``."""
ABOUT_AN_ANSWER = FOLLOW_UPS - {"evidence", "compare", "rerun"}
"""Kinds that are about an answer that was given."""
WEAK = frozenset[Intent]({"unclear", "out_of_scope", "help"})
"""Kinds that the rules choose for want of anything better, or from one word."""


def arbitrate(text: str, context: DialogueContext, reading: Reading) -> Plan:
    """The plan of a turn from the rules and what the reader read.

    Args:
        text: the turn as typed.
        context: what is known from the conversation before.
        reading: what the reader makes of the text.
    """
    foreign = foreign_language(text, reading)
    if foreign is not None:
        return plan_foreign(text, context, reading, foreign)
    whole = plan_by_rules(text, context)
    is_long = bool(reading.deciding) and reading.kind[NO_REQUEST] < OVERRULING
    focused = reading.focus if is_long else text
    reading = reading.model_copy(update={"focus": focused})
    plan = plan_by_rules(focused, context) if is_long else whole
    # Without a turn before there is none that "again" or "why" in a story could be about.
    is_new = is_long and plan.kind in FOLLOW_UPS and not context.questions and reading.best_kind[0] == "analyse"
    plan = plan.model_copy(update={"kind": "analyse"}) if is_new else plan
    advice = _advice(plan, context, reading, is_long=is_long)
    if is_long and whole.purpose_change == "stated" and reading.purpose[whole.purpose] >= AGREED_PURPOSE:
        # Both found it in the story, if not in what is asked at its end.
        advice = advice._replace(purpose=whole.purpose)
    advice = advice._replace(kind=advice.kind or "analyse") if is_new else advice
    # "The same about" somebody names whom.
    goes_on = bool(context.questions) and reading.best_kind[0] == "follow" and not (plan.faces or is_long)
    least = LIKELY_DETAIL if goes_on else ADDED_DETAIL
    absent = absent_details(reading, is_long=is_long)
    advice = advice._replace(absent=absent, faces=added_faces(reading, least), depth=read_depth(reading))
    language = "es" if whole.language == "en" and reading.language["es"] >= SPANISH else whole.language
    plan = plan_by_rules(focused, context, advice._replace(language=language))
    if plan.kind == "where" and not (plan.questions or context.questions):
        # Before any answer, "which part?" is about what was changed.
        return plan_by_rules(focused, context, advice._replace(questions=("forgery",), language=language))
    if plan.kind in ABOUT_AN_ANSWER and not (plan.questions or context.questions):
        # No answer was given that it could be about.
        return plan_by_rules(focused, context, advice._replace(kind="unclear", questions=(), language=language))
    return _places_of_long_turn(plan, whole, context, reading) if is_long else plan


def _places_of_long_turn(plan: Plan, whole: Plan, context: DialogueContext, reading: Reading) -> Plan:
    """The plan of a long turn with the faces and pictures that its deciding piece names.

    Where that names nobody, or somebody who is described more fully elsewhere, the one who is described in the text is
    meant: "That's Tom, on the far right". A picture that is named elsewhere counts where there are several.
    """
    if plan.kind in NOTHING_RUNS:
        return plan
    asked = plan_by_rules(reading.deciding, context)
    absent = absent_details(reading, is_long=True)
    described = [
        face for face in without_details(whole.faces, absent) if face.side or face.index or len(face.words) > 1
    ]
    named = without_details(asked.faces, absent)
    faces, pictures = tuple(_fuller(face, described) for face in named), plan.pictures
    if not faces and plan.kind in ("analyse", "compare") and "identity" not in plan.questions:
        faces = tuple(described) if len(described) == 1 else added_faces(reading, SURE_OF_LONG)
    if "identity" not in plan.questions and asked.pictures == ("this",):
        pictures = whole.pictures if context.pictures > 1 and len(whole.pictures) == 1 else ("this",)
    return plan.model_copy(update={"faces": faces, "pictures": pictures})


def _fuller(face: FaceReference, described: Sequence[FaceReference]) -> FaceReference:
    """Whom a reference by a word such as "the boy" means, if only one of those described can be that person."""
    if face.side or face.index or face.superlative or face.every:
        return face
    people = grammar().tables["people"].keys()
    meant = [one for one in described if set(face.words) <= set(one.words) or people.isdisjoint(one.words)]
    if len(meant) != 1:
        return face
    return meant[0].model_copy(update={"words": tuple(dict.fromkeys((*face.words, *meant[0].words)))})


def _advice(plan: Plan, context: DialogueContext, reading: Reading, *, is_long: bool) -> Advice:
    """What of the reading counts beside a plan of the rules."""
    if reading.kind["why_refused"] >= SURE_QUESTION and plan.kind in WEAK | OVERRULED | {"refused"}:
        return Advice(kind="why_refused", questions=(), dropped=frozenset(policy.TOPICS))
    topics = _added_topics(plan, context, reading)
    if topics:
        return Advice("refused", (), topics, dropped=frozenset(one.topic for one in plan.refused))
    states_purpose = _only_states_purpose(plan, context, reading)
    unsupported = not (context.questions or states_purpose) and _is_unsupported(plan, reading)
    if unsupported and reading.kind[NO_REQUEST] < LIKELY_REMARK:
        return Advice(kind="unclear", questions=(), dropped=frozenset(policy.TOPICS), has_purpose=False)
    if unsupported or _is_no_request(plan, reading) or _tells_of_somebody(plan, reading):
        return Advice(kind="out_of_scope", questions=(), dropped=frozenset(policy.TOPICS), has_purpose=False)
    dropped = _dropped_topics(plan, reading)
    has_purpose = _has_purpose(plan, reading)
    # A question that a purpose forbids is refused in any kind of turn; it says nothing against the reader's kind.
    barred = policy.TOPICS.keys() if plan.kind in OVERRULED else {one.topic for one in plan.refused}
    refused = {one.topic for one in plan.refused if one.topic in barred} - dropped
    kind = "purpose" if states_purpose and not refused else _read_kind(plan, context, reading, refused=refused)
    if kind is None and plan.kind == "refused" and not refused and _is_certain(reading):
        kind = "analyse"
    base = Advice(
        dropped=dropped, has_purpose=has_purpose, purpose=_read_purpose(reading), file_facts=_read_facts(reading)
    )
    if kind in ("analyse", "compare"):
        questions = _read_questions(reading) or plan.questions
        if questions or kind == "compare":
            return base._replace(kind=cast(Intent, kind), questions=questions or None)
    elif kind is not None:
        return base._replace(kind=cast(Intent, kind), questions=_confirmed_questions(plan, reading))
    if plan.kind in SPECIFIC:
        return base._replace(questions=_confirmed_questions(plan, reading))
    return base._replace(questions=_mended_questions(plan, reading, is_long=is_long))


def _read_facts(reading: Reading) -> tuple[FileFact, ...]:
    return tuple(one for one in FILE_FACTS if reading.facts[one] >= SURE_QUESTION)


def _confirmed_questions(plan: Plan, reading: Reading) -> tuple[Question, ...] | None:
    """The questions that a follow-up names itself, where the reader does not exclude them: "print the report"."""
    if plan.kind == "compare" and not plan.questions:
        return _read_questions(reading) or None
    if not plan.questions or plan.questions == _mentioned(plan, reading):
        return None
    return _mentioned(plan, reading)


def _is_certain(reading: Reading) -> bool:
    return max(reading.questions.values()) >= CERTAIN_QUESTION


def _mentioned(plan: Plan, reading: Reading) -> tuple[Question, ...]:
    return tuple(name for name in plan.questions if reading.questions[name] >= STRAY_QUESTION)


def _read_kind(plan: Plan, context: DialogueContext, reading: Reading, refused: Set[str]) -> str | None:
    """The reader's kind of turn where it counts, else None."""
    kind, share = reading.best_kind
    if refused or kind in (NO_REQUEST, "refused") or (kind == "follow" and not context.questions):
        return None
    if kind == plan.kind and (kind != "analyse" or not _names_nothing(plan, context)):
        return None
    if _goes_on(plan, context):
        return kind if kind in ("analyse", "compare") or share >= OVERRULING else None
    if plan.kind in WEAK or plan.kind == "refused" or _names_nothing(plan, context):
        least = OVERRULING if plan.kind == NO_REQUEST and not _says_why(reading) else SURE_KIND
        return kind if share >= least else None
    if kind == "compare" and plan.kind == "analyse" and share >= OVERRULING:
        return kind
    if plan.kind == "analyse" and plan.questions == context.questions and kind in FOLLOW_UPS:
        return kind if share >= OVERRULING else None
    if plan.kind in OVERRULED | {"purpose"}:
        return kind if _overrules(plan, context, reading) else None
    if plan.kind != "analyse" or kind not in SPECIFIC:
        return None
    if kind == "where":
        # "Which part was retouched?" asks both whether and where; where it was says the former as well.
        return kind if share >= OVERRULING else None
    likeliest = max((reading.questions[name] for name in plan.questions), default=0.0)
    least = SURE_KIND if likeliest < UNSUPPORTED else OVERRULING
    return kind if likeliest < SURE_QUESTION and share >= least else None


def _overrules(plan: Plan, context: DialogueContext, reading: Reading) -> bool:
    """Whether the reader's kind counts against one that the rules chose from a phrase of other turns as well."""
    kind, share = reading.best_kind
    if kind == "follow":
        return bool(context.questions) and share >= OVERRULING_FOLLOWED
    if kind == "everything":
        # Before any answer there is no evidence to show: "hágale todas las pruebas".
        return (plan.kind == "rerun" or not context.questions) and share >= OVERRULING
    if kind == "analyse":
        least = _least_for_analysis(plan, context)
        return least is not None and share >= least.kind and max(reading.questions.values()) >= least.question
    return plan.kind != "purpose" and kind in SPECIFIC and share >= OVERRULING


def _least_for_analysis(plan: Plan, context: DialogueContext) -> Least | None:
    """How sure the reader must be that a turn asks something new against the rules' kind of it; None: never."""
    if plan.kind in ANSWER_FORMS and plan.questions and plan.questions == context.questions:
        return None
    holds = context.pictures >= 2 if plan.kind == "compare" else bool(context.questions)
    met, unmet = ANALYSIS_AGAINST.get(plan.kind, FOLLOWING)
    return met if holds else unmet


def _only_states_purpose(plan: Plan, context: DialogueContext, reading: Reading) -> bool:
    """Whether a text says why somebody asks, and asks nothing that the reader finds in it."""
    stated = max(share for name, share in reading.purpose.items() if name != "unstated") >= CERTAIN_PURPOSE
    asked = max(*reading.questions.values(), reading.kind["everything"]) >= SURE_QUESTION
    is_question = reading.focus.rstrip().endswith(("?", "？"))
    silent = plan.kind in WEAK | {"analyse", "refused"} and reading.best_kind[0] == "analyse"
    return silent and stated and not (asked or is_question or context.questions)


def _says_why(reading: Reading) -> bool:
    """Whether the reader finds a purpose stated, by the kind of turn and by its name."""
    return reading.best_kind[0] == "purpose" and _read_purpose(reading) is not None


def _goes_on(plan: Plan, context: DialogueContext) -> bool:
    """Whether a turn asks the same as before about a face or picture that it names, and no more."""
    names_place = bool(plan.faces) or plan.pictures != ("this",)
    return plan.kind == "analyse" and names_place and bool(plan.questions) and plan.questions == context.questions


def _names_nothing(plan: Plan, context: DialogueContext) -> bool:
    """Whether the rules would analyse only because a face, a picture or the turn before is there."""
    return plan.kind == "analyse" and not plan.excluded and plan.questions in ((), context.questions)


def _read_questions(reading: Reading) -> tuple[Question, ...]:
    found = [name for name, share in reading.questions.items() if share >= SURE_QUESTION]
    best = max(reading.questions, key=lambda name: reading.questions[name])
    if not found and reading.questions[best] >= LEADING_QUESTION:
        found = [best]
    return tuple(one for one in QUESTIONS if one in found)


def _mended_questions(plan: Plan, reading: Reading, *, is_long: bool) -> tuple[Question, ...] | None:
    """The questions of the rules without those that the reader excludes and with those it is sure of; None: as found.

    Only where the reader is certain of one question: then it has understood what the text is about.
    """
    if plan.kind != "analyse" or not (plan.questions or plan.excluded) or not reading.questions:
        return None
    if not _is_certain(reading):
        return _likelier_questions(plan, reading)
    if plan.excluded:
        # The rules are right about what is left out less often than about what is asked.
        found = _read_questions(reading)
        overdone = not plan.questions and set(found) < set(plan.excluded)
        meant = all(reading.questions[name] >= SURELY_MEANT for name in set(found) & set(plan.excluded))
        return found if overdone or (found != plan.questions and meant) else None
    least = STRAY_QUESTION if is_long else DROPPED_QUESTION
    kept = {name for name in plan.questions if reading.questions[name] >= least}
    added = {name for name, share in reading.questions.items() if share >= ADDED_QUESTION}
    found = tuple(one for one in QUESTIONS if one in kept | added)
    return found if found != plan.questions else None


def _likelier_questions(plan: Plan, reading: Reading) -> tuple[Question, ...] | None:
    """The likeliest question, where the reader is fairly sure of it and the rules found others; None: as found."""
    best = max(reading.questions, key=lambda name: reading.questions[name])
    if best in plan.questions or reading.questions[best] < SURE_QUESTION:
        return None
    kept = {best, *(name for name in plan.questions if reading.questions[name] >= ADDED_QUESTION)}
    return tuple(one for one in QUESTIONS if one in kept)


def _has_purpose(plan: Plan, reading: Reading) -> bool:
    if plan.purpose_change != "stated" or plan.purpose == "surveillance":
        return True
    if plan.kind == "purpose" and reading.best_kind[0] == "purpose" and _read_purpose(reading) is None:
        return True
    return reading.purpose.get(plan.purpose, 1.0) >= NO_PURPOSE


def _read_purpose(reading: Reading) -> str | None:
    best = max(reading.purpose.keys() - {"unstated"}, key=lambda name: reading.purpose[name])
    return best if reading.purpose[best] >= SURE_PURPOSE else None


def _is_no_request(plan: Plan, reading: Reading) -> bool:
    """Whether a text that the rules would act on is a remark."""
    if plan.kind in NOTHING_RUNS - {"refused"} or plan.evidence:
        return False
    share = reading.kind[NO_REQUEST]
    found = [reading.questions[name] for name in plan.questions]
    found += [reading.topics.get(one.topic, 0.0) for one in plan.refused]
    return share >= NOT_A_REQUEST and max(found, default=0.0) < max(share, SURE_QUESTION)


def _is_unsupported(plan: Plan, reading: Reading) -> bool:
    """Whether the reader sees none of the questions that the rules found, and no other either."""
    if plan.kind not in ("analyse", "compare") or not plan.questions or plan.refused or plan.evidence:
        return False
    likely = max(reading.questions.values()) >= SURE_QUESTION or reading.best_kind[0] in SPECIFIC
    return not likely and all(reading.questions[name] < UNSUPPORTED for name in plan.questions)


def _tells_of_somebody(plan: Plan, reading: Reading) -> bool:
    """Whether a text from which the rules took a purpose, or nothing, only tells something."""
    return plan.kind in ("purpose", "unclear", "help") and reading.kind[NO_REQUEST] >= OVERRULING


def _dropped_topics(plan: Plan, reading: Reading) -> frozenset[str]:
    """Topics of the rules that the reader takes for describing words."""
    kind, share = reading.best_kind
    found = {one.topic: reading.topics.get(one.topic, 1.0) for one in plan.refused}
    if set(found) == {NAMING} and found[NAMING] < DESCRIBING and reading.questions["identity"] >= CERTAIN_QUESTION:
        # "Is that NAME?" names whom to compare with.
        return frozenset(found)
    if max(found.values(), default=0.0) >= LEADING_QUESTION and len(found) > 1:
        # One of several is meant; the words of the others describe.
        return frozenset(name for name, chance in found.items() if chance < DROPPED_TOPIC)
    sure = max(reading.questions.values()) >= CERTAIN_QUESTION or (kind in SPECIFIC and share >= OVERRULING)
    if reading.kind["refused"] >= (SURE_QUESTION if sure else HARDLY_REFUSED):
        return frozenset()
    asked = bool(plan.questions) or max(reading.questions.values()) >= SURE_QUESTION
    asked |= reading.best_kind[0] in FOLLOW_UPS and reading.best_kind[1] >= SURE_KIND
    most = DESCRIBING if sure else DROPPED_TOPIC if asked else DROPPED_ALONE
    return frozenset(one.topic for one in plan.refused if reading.topics.get(one.topic, 1.0) < most)


def _added_topics(plan: Plan, context: DialogueContext, reading: Reading) -> tuple[str, ...]:
    """Topics that only the reader finds; beside those of the rules only where it is sure that others are meant."""
    kind, share = reading.best_kind
    if kind in SPECIFIC and share >= OVERRULING:
        return ()
    if plan.refused:
        meant = any(reading.topics.get(one.topic, 1.0) >= DROPPED_TOPIC for one in plan.refused)
        least = ADDED_TOPIC if reading.kind["refused"] >= REFUSED_KIND else ADDED_TO_QUESTION
        sure = tuple(name for name, chance in reading.topics.items() if chance >= least)
        return () if meant or plan.questions else sure
    found_nothing = plan.kind in WEAK or plan.questions in ((), context.questions)
    if reading.kind["refused"] >= REFUSED_KIND:
        # A question that only a word of the rules resembles: "blind date".
        found_nothing |= all(reading.questions[name] < UNSUPPORTED for name in plan.questions)
    least = ADDED_TOPIC if found_nothing and plan.kind not in FOLLOW_UPS else ADDED_TO_QUESTION
    found = tuple(name for name, share in reading.topics.items() if share >= least)
    if not found and found_nothing and reading.kind["refused"] >= REFUSED_KIND:
        best = max(reading.topics, key=lambda name: reading.topics[name])
        found = (best,) if reading.topics[best] >= LEADING_TOPIC else ()
    return found
