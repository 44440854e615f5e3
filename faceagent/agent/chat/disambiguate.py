"""Which faces of which pictures a turn is about, and what to ask where it could be more than one.

``router.resolve_face`` finds who fits one description in one picture; here this is combined over several pictures and
descriptions, with the faces of earlier turns and with the answers to questions back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from faceagent import policy
from faceagent.agent.chat import phrases, queries
from faceagent.agent.chat.state import Remark, TurnContext
from faceagent.agent.views import face_crop
from faceagent.router import DialogueContext, FaceReference, Plan, resolve_face, route
from faceagent.router.plan import FOLLOW_UPS, Language
from faceagent.router.visual_traits import visual_trait_scorer
from faceagent.storage.keys import REFERENCES, picture_key, record_key
from faceagent.types import Evidence, Face, Question

FOLLOWS = FOLLOW_UPS - {"compare"}
"""Kinds of turn that are about the faces of the turn before."""


@dataclass(frozen=True)
class Resolution:
    """The faces meant, by picture; a picture that is not named is meant with all of its faces."""

    subjects: dict[str, list[str]] = field(default_factory=dict)
    asks: str | None = None
    options: tuple[str, ...] = ()
    where: str = ""
    """The picture that the question back is about."""
    missing: str | None = None
    """The faces that there are, when the one that was meant is not among them."""
    other_business: bool = False
    remarks: list[Remark] = field(default_factory=list)


def needed_questions(context: TurnContext, plan: Plan, items: Sequence[str]) -> list[Question]:
    """The questions whose evidence tells people apart, as far as policy allows to ask them."""
    found = {
        question
        for item in items
        for who in plan.faces
        for question in resolve_face.needs(who, queries.faces_of(context.record, item, None))
        if policy.decide(question, plan.purpose, plan.jurisdiction).decision != "refuse"
    }
    return sorted(found)


def resolve(context: TurnContext, plan: Plan, items: Sequence[str], before: dict[str, list[str]]) -> Resolution:
    """The faces that the plan's descriptions fit, in every picture it is about."""
    if not plan.faces:
        kept = {item: before[item] for item in items if item in before} if plan.kind in FOLLOWS else {}
        return Resolution(subjects=kept)
    found = Resolution()
    unmatched: list[str] = []
    for item in items:
        faces = queries.faces_of(context.record, item, None)
        if not faces or any(who.every for who in plan.faces):
            continue
        for who in plan.faces:
            found = _add_face(context, plan, found, item, who, faces)
            if found.asks is not None:
                return found
        if not found.subjects.get(item):
            unmatched.append(item)
    if unmatched and not found.subjects:
        names = [face.id for item in unmatched for face in queries.faces_of(context.record, item, None)]
        return replace(found, missing=", ".join(names))
    return found


def resolve_reference(context: TurnContext, plan: Plan) -> Resolution | None:
    """Which face of a picture that became the reference is meant, or what to ask; None where there is no choice.

    Place and number decide; where they do not, the user is asked.
    """
    faces = queries.faces_of(context.record, REFERENCES, None)
    if len(faces) < 2:
        return None
    found = [resolve_face.resolve(who, faces).face for who in plan.faces if not who.every]
    chosen = list(dict.fromkeys(face for face in found if face is not None))
    if len(chosen) == 1:
        return Resolution(subjects={REFERENCES: chosen})
    options = tuple(describe_face(face, faces, plan) for face in faces)
    picture = queries.name_of(context.record, "1")
    asks = phrases.say(plan.language, "which", options=phrases.either(plan.language, options), picture=picture)
    return Resolution(asks=asks, options=tuple(face.id for face in faces), where=REFERENCES)


def _add_face(
    context: TurnContext, plan: Plan, found: Resolution, item: str, who: FaceReference, faces: tuple[Face, ...]
) -> Resolution:
    """``found`` with the face that ``who`` means in one picture, or with what to ask."""
    one = _resolve_one(context, item, who, faces)
    if one.face is None and one.rivals:
        options = tuple(describe_face(face, faces, plan) for face in faces if face.id in one.rivals)
        picture = queries.name_of(context.record, item)
        asks = phrases.say(plan.language, "which", options=phrases.either(plan.language, options), picture=picture)
        return replace(found, asks=asks, options=one.rivals, where=item)
    remarks = [*found.remarks, *_trait_remarks(context, who, one, plan.language)]
    if one.face is None:
        return replace(found, remarks=remarks)
    before = found.subjects.get(item, [])
    subjects = {**found.subjects, item: list(dict.fromkeys([*before, one.face]))}
    return replace(found, subjects=subjects, remarks=remarks)


def _resolve_one(context: TurnContext, item: str, who: FaceReference, faces: Sequence[Face]) -> resolve_face.FaceMatch:
    """Place, number and record first; where these leave it open, a model looks at the crops of those it could be."""
    evidence = [context.record.get(key, Evidence) for key in context.record.keys(item, Evidence)]
    first = resolve_face.resolve(who, faces, evidence)
    if first.face is not None or resolve_face.VISUAL_TRAITS.isdisjoint(first.unknown):
        return first
    look = _trait_scorer(context, item, first.rivals)
    return first if look is None else resolve_face.resolve(who, faces, evidence, look)


def _trait_scorer(context: TurnContext, item: str, among: Sequence[str]) -> resolve_face.TraitScorer | None:
    """A model's look at some faces of a picture, each trait once; None without a model, or when the picture is gone."""
    model = None if item == REFERENCES else context.model()
    if model is None or context.images.problem(picture_key(item)) is not None:
        return None
    asked = visual_trait_scorer(model, lambda face: face_crop(context, record_key(item, face.id)))

    def look(face: Face, trait: str) -> float | None:
        key = f"{record_key(item, face.id)}:{trait}"
        if face.id in among and context.traits.get(key) is None:
            with context.stopwatch.work():
                context.traits[key] = asked(face, trait)
        return context.traits.get(key)

    return look


def _trait_remarks(
    context: TurnContext, who: FaceReference, one: resolve_face.FaceMatch, language: Language
) -> list[Remark]:
    """How traits that no tool measures were used: seen by the model, not needed, or ignored."""
    seen = [word for word in who.words if word in resolve_face.VISUAL_TRAITS and word not in one.unknown and one.face]
    unmeasured = "not_looked_at" if context.model() is None or one.face is None else "not_needed"
    used = (("seen", seen), (unmeasured, one.unknown))
    return [
        Remark(key=key, values={"words": ", ".join(phrases.label(language, word) for word in words)})
        for key, words in used
        if words
    ]


def describe_face(face: Face, faces: Sequence[Face], plan: Plan) -> str:
    """A face as a person can tell it: its number and its place from the left."""
    ordered = sorted(faces, key=lambda one: one.box[0] + one.box[2])
    return phrases.say(plan.language, "place", face=face.id, place=str(ordered.index(face) + 1), total=str(len(faces)))


def resolve_answer(
    context: TurnContext, plan: Plan, items: Sequence[str], asked: Resolution, answer: str
) -> Resolution:
    """What the answer to a question back says: a face among those offered, all of them, or something else entirely."""
    known = DialogueContext(pictures=len(items), purpose=plan.purpose, jurisdiction=plan.jurisdiction)
    # Which face is meant is for the rules to read; a model has never seen such short answers.
    heard = route(answer, known)
    if not heard.faces:
        heard = context.plan_of(answer, known)
    faces = queries.faces_of(context.record, asked.where, None)
    rivals = tuple(face for face in faces if face.id in asked.options)
    if any(who.every for who in heard.faces) or set(heard.pictures) & {"both", "all"}:
        chosen = [face.id for face in rivals]
    else:
        found = [_resolve_one(context, asked.where, who, faces if who.index else rivals).face for who in heard.faces]
        chosen = [face for face in found if face is not None]
    if chosen:
        return Resolution(subjects={**asked.subjects, asked.where: chosen}, remarks=asked.remarks)
    if not heard.faces and heard.kind != "unclear":
        return Resolution(other_business=True)
    return asked
