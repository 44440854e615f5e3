"""The data types of a report: picture → faces → evidence → verdict → explanation → report; all are frozen.

This module knows shapes, units and ranges. It knows no model, no file and no pixel: pixels live in the
blob store under the sha256 of the bytes they were decoded from.

Conventions: pixel coordinates have their origin at the top left corner of the upright picture; angles are
degrees, yaw positive when the nose points to the picture's right, pitch positive when it points down, roll
positive when the head is turned clockwise; "left" and "right" of a face are the subject's own.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from faceagent.notebook import card

Question = Literal[
    "expression", "action_units", "forgery", "morph", "spoof", "identity", "age", "gender", "quality", "provenance"
]
QUESTIONS: tuple[Question, ...] = get_args(Question)

Status = Literal["ok", "not_applicable", "unavailable", "failed"]
Stability = Literal["stable", "contested", "uncertain", "leans"]
"""How firm a verdict is; "leans": the label is the side with more support, which is weak (LR 2 to 10)."""
Scale = Literal["probability", "llr", "cosine", "logit", "intensity", "percent", "years", "ratio", "count"]
Region = Literal["outer_face", "left_eye", "right_eye", "nose", "mouth", "skin", "overall"]
FacePart = Literal[
    "forehead", "right_brow", "left_brow", "right_eye", "left_eye", "nose", "right_cheek", "left_cheek", "mouth", "chin"
]
PARTS: tuple[FacePart, ...] = get_args(FacePart)
"""Parts of a face whose visibility is measured one by one; left and right are the subject's own."""
Occluder = Literal["mask", "cloth", "hand", "sunglasses", "microphone", "hair", "paper"]
OCCLUDERS: tuple[Occluder, ...] = get_args(Occluder)
"""Kinds of objects in front of a face that are told apart; "paper" stands for any flat thing held up."""

Reason = Literal[
    # the picture
    "missing_file", "no_permission", "is_folder", "not_a_file", "empty_file", "too_large", "too_many_pixels",
    "too_slow", "unsupported_format", "corrupt_picture", "fetch_failed", "fetch_refused",
    # the face
    "no_face", "face_too_small", "too_blurry", "too_dark", "too_bright", "outside_picture", "occluded",
    "unrecognisable", "extreme_pose", "low_resolution", "no_landmarks",
    # the evidence
    "no_reference", "reference_unusable", "same_file", "no_colour", "absent", "not_measurable",
    "weights_missing", "not_installed", "not_trained_yet", "crashed",
    # the verdict
    "weak_evidence", "below_operating_point", "contradictory", "uncalibrated", "no_evidence", "face_unusable",
    "open_set", "refused",
]  # fmt: skip

Answer = Literal["yes", "leans_yes", "cannot_tell", "leans_no", "no", "described"]
"""What a summary answers: "yes" says that the face is manipulated, a morph or a spoof, or the person of the references;
"described" stands for questions that have no yes or no."""
Style = Literal["short", "plain", "expert"]
"""Who a summary is written for: a line in a list, any reader, or a reader who wants the numbers in the sentences."""
STYLES: tuple[Style, ...] = get_args(Style)
SummaryLanguage = Literal["en", "es", "zh"]
LANGUAGES: tuple[SummaryLanguage, ...] = get_args(SummaryLanguage)
"""Languages of the summary, each with a file of sentences."""

Strength = Literal["none", "weak", "moderate", "moderately_strong", "strong", "very_strong", "extremely_strong"]
"""Words of the verbal scale of likelihood ratios, see ``judge.wording``."""
Action = Literal["allow", "review", "act"]
"""What a policy of action recommends, see ``judge.action``."""

INCONCLUSIVE = "inconclusive"
SUBJECT = "P1"
"""Id of the picture in question, as opposed to references."""


def _round6(value: float) -> float:
    return round(value, 6)


Real = Annotated[float, AfterValidator(_round6)]
"""A float rounded to six decimals: enough for every scale here, and reports stay diffable."""

Share = Annotated[float, Field(ge=0, le=1), AfterValidator(_round6)]

Point = tuple[Real, Real]

MOST_PATCHES = 64
"""Patches per side of a heat map: the largest towers have 37, and a report must stay readable."""


class FrozenModel(BaseModel):
    """Base of all data types: immutable, unknown fields are rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(FrozenModel):
    """A problem with the content of one item, as a code and as text. Never raised."""

    reason: Reason
    message: str
    remedy: str | None = None


class Source(FrozenModel):
    """Where a picture comes from: a path, a URL, or bytes already in the blob store."""

    kind: Literal["path", "url", "bytes"]
    ref: str = Field(description="the path, the URL, or the sha256 under which the bytes are stored")
    name: str = Field(description="what to call it in reports; never used as a path")
    notes: tuple[str, ...] = Field(default=(), description="what was changed to make a file of a picture in memory")
    problem: Problem | None = Field(default=None, description="why it is no picture, where that is known already")


class Picture(FrozenModel):
    """One decoded picture. ``sha256`` is that of the bytes as received; size is after orientation."""

    id: str = Field(description='"P1" for the picture in question, "R1", "R2", … for references')
    sha256: str
    width: int = Field(ge=1, description="px, upright")
    height: int = Field(ge=1, description="px, upright")
    format: str = Field(description="JPEG, PNG, WEBP, …: what the magic bytes say")
    bytes: int = Field(ge=1)
    source: str
    mode: str = Field(description="colour mode as stored, before conversion to 8-bit RGB")
    orientation: int = Field(ge=1, le=8, description="EXIF orientation found; already applied, once")
    notes: tuple[str, ...] = Field(default=(), description="what decoding changed: alpha flattened, frames dropped, …")
    faces_found: int | None = Field(
        default=None, ge=0, description="faces found in it, those beyond a cap included; None: not searched"
    )
    faces_incomplete_below: Real | None = Field(
        default=None,
        ge=0,
        description="px: smaller faces may have been missed, because the picture is very large; None: it is not",
    )


class Pose(FrozenModel):
    """Head pose in degrees; (0, 0, 0) looks straight into the camera."""

    yaw: Real
    pitch: Real
    roll: Real


class Quality(FrozenModel):
    """Components 0-100, higher is better, named after ISO/IEC 29794-5:2025; our own measures, not OFIQ's."""

    unified: Real = Field(ge=0, le=100)
    sharpness: Real = Field(ge=0, le=100)
    illumination: Real = Field(ge=0, le=100)
    exposure: Real = Field(ge=0, le=100)
    resolution: Real = Field(ge=0, le=100)
    pose: Real = Field(ge=0, le=100)
    visibility: Real = Field(ge=0, le=100)


class PartVisibility(FrozenModel):
    """How much of one part of a face can be seen, and why it cannot be used where that is too little."""

    part: FacePart
    visible: Share = Field(description="share of the part's area that is in the picture, uncovered and exposed")
    reason: Reason | None = Field(default=None, description="why the part cannot be used; null where it can")
    covered_by: Occluder | None = Field(default=None, description="what it looks covered by, where that is clear")


class TurnedPhotograph(FrozenModel):
    """A photograph that lies turned in a picture, the space around it filled with one colour."""

    degrees: Real = Field(description="by which it is turned, clockwise; undone by resampling")
    width: int = Field(gt=0, description="px, once it is turned back")
    height: int = Field(gt=0, description="px, once it is turned back")
    centre: tuple[Real, Real] = Field(description="x, y in px of the content")


class FaceFrame(FrozenModel):
    """The part of a picture in which a face stands upright; detectors read the face there.

    Margins and frames around the photograph are cut off, and the picture is turned back by the head's roll.
    """

    content: tuple[int, int, int, int] = Field(
        description="x0, y0, x1, y1 in px of the picture, the last two exclusive: the photograph without its margins"
    )
    photograph: TurnedPhotograph | None = Field(
        default=None, description="where the photograph lies turned in the content; turned back before all else"
    )
    quarters: int = Field(default=0, ge=0, le=3, description="quarter turns of the head, clockwise; undone exactly")
    degrees: Real = Field(default=0.0, description="the rest of its turn, clockwise; undone by resampling")
    box: tuple[Real, Real, Real, Real] = Field(
        description="x0, y0, x1, y1 in px of the content after these turns; it lies on the face once it is turned by "
        "the degrees about its centre"
    )


class Face(FrozenModel):
    """One face of one picture; ``id`` is "F1" for the largest and stable between runs."""

    id: str
    picture: str = Field(description="id of the picture it was found in")
    box: tuple[Real, Real, Real, Real] = Field(description="x0, y0, x1, y1 in px; may reach past the picture's edge")
    confidence: Real = Field(ge=0, le=1, description="the detector's score, uncalibrated")
    points5: tuple[Point, ...] = Field(
        description="px: subject's right eye, left eye, nose tip, right mouth corner, left mouth corner"
    )
    landmarks: tuple[Point, ...] = Field(default=(), description="478 mesh points in px, or empty when not found")
    blendshapes: Mapping[str, Real] = Field(default_factory=dict, description="52 coefficients 0-1, or empty")
    pose: Pose | None = None
    frame: FaceFrame | None = Field(
        default=None, description="where detectors read it, when that is not simply its box in the whole picture"
    )
    quality: Quality
    parts: tuple[PartVisibility, ...] = Field(default=(), description="visibility part by part; empty: not measured")
    usable_for: tuple[Question, ...] = ()
    reasons: Mapping[Question, tuple[Reason, ...]] = Field(
        default_factory=dict, description="for each question the face is not usable for: why"
    )


class Score(FrozenModel):
    """A number with its scale. ``calibration`` is the id of the fitted map it has, or None: uncalibrated."""

    value: Real
    scale: Scale
    low: Real | None = Field(default=None, description="lower end of an interval; 95 % unless facts say so")
    high: Real | None = Field(default=None, description="upper end of that interval")
    calibration: str | None = None


class WeightStamp(FrozenModel):
    """The weights that were used."""

    id: str
    sha256: str


class ToolStamp(FrozenModel):
    """The tool that measured, with everything needed to repeat the measurement."""

    name: str
    version: str
    weights: tuple[WeightStamp, ...] = ()
    device: str = "cpu"


class HeatMap(FrozenModel):
    """A detector's score per patch, row by row, over a square of the picture."""

    box: tuple[Real, Real, Real, Real] = Field(description="x0, y0, x1, y1 in px; may reach past the picture's edge")
    values: tuple[tuple[Share, ...], ...] = Field(
        min_length=1, max_length=MOST_PATCHES, description="0-1 per patch, top row first; uncalibrated"
    )

    @model_validator(mode="after")
    def _square(self) -> "HeatMap":
        if any(len(row) != len(self.values) for row in self.values):
            raise ValueError("a heat map has as many columns as rows")
        return self


class Evidence(FrozenModel):
    """One measurement with its statement, one sentence. Its id is unique in a report: ``subject:name``, "F1:AU12"."""

    id: str
    tool: ToolStamp
    question: Question
    subject: str = Field(description="id of the face or picture that was measured")
    label: str | None = None
    score: Score | None = None
    distribution: Mapping[str, Real] = Field(
        default_factory=dict, description="raw logit per label, when the tool chooses among several"
    )
    facts: Mapping[str, Real | str] = Field(default_factory=dict, description="further numbers behind the statement")
    region: Region | None = None
    heatmap: HeatMap | None = None
    cites: tuple[str, ...] = Field(default=(), description="ids of evidence this one was derived from")
    statement: str
    status: Status = "ok"
    reason: Reason | None = None


class Probability(FrozenModel):
    """A probability with a 95 % interval and the id of its calibration, or None: uncalibrated."""

    value: Real = Field(ge=0, le=1)
    low: Real = Field(ge=0, le=1)
    high: Real = Field(ge=0, le=1)
    calibration: str | None = None


class OperatingPoint(FrozenModel):
    """A decision threshold and its error rates on the set where it was fitted."""

    name: str
    threshold: Real
    scale: Scale
    errors: Mapping[str, Real] = Field(default_factory=dict, description='for example {"fmr": 0.001}')
    measured_on: str = Field(description="the set and its size")


class Verdict(FrozenModel):
    """The judge's answer to one question about one subject; it may be "inconclusive"."""

    id: str = Field(description='"V:F1:expression"')
    question: Question
    subject: str
    label: str = Field(description='a label of the question, or "inconclusive"')
    probability: Probability | None = None
    llr: Real | None = Field(default=None, description="log10 likelihood ratio for the label against its alternative")
    wording: str = Field(description="the answer in words, always with its number where there is one")
    supports: tuple[str, ...] = ()
    contradicts: tuple[str, ...] = ()
    operating_point: OperatingPoint | None = None
    status: Stability
    reason: Reason | None = Field(default=None, description="why it is inconclusive")
    strength: Strength | None = Field(
        default=None, description="the ratio on the verbal scale of ENFSI (2015); null where there is no ratio"
    )
    leaning: str | None = Field(
        default=None, description="the label with more support, where the verdict is inconclusive for want of strength"
    )
    positive: Probability | None = Field(
        default=None,
        description="of a question with two sides: probability at even odds of forged, morph, spoof, the same person "
        "or male, whatever the label is; for ranking and for lines of one's own",
    )
    capped: str | None = Field(default=None, description="what limits the ratio, where it stands at its limit")
    action: Action | None = Field(
        default=None, description="what the shipped policy of action recommends; null where no action can follow"
    )

    @property
    def decided(self) -> bool:
        """Whether it gives its label firmly: it is neither inconclusive nor a lean."""
        return self.label != INCONCLUSIVE and self.status != "leans"

    @property
    def firm_label(self) -> str:
        """The label where it is given firmly, else "inconclusive"."""
        return self.label if self.decided else INCONCLUSIVE


class Rollup(FrozenModel):
    """One answer for the whole picture, by a named rule over its faces."""

    question: Question
    rule: str = Field(description='for example "any face: the strongest attack verdict decides"')
    label: str
    faces: tuple[str, ...] = Field(description="the faces that decided it")
    status: Stability = Field(default="stable", description='"leans" where the deciding faces only lean to the label')


class Step(FrozenModel):
    """One sentence of an explanation and the evidence it rests on."""

    section: str
    text: str
    cites: tuple[str, ...]


class Explanation(FrozenModel):
    """How the evidence leads to the verdict, in sections, for one question about one subject."""

    question: Question
    subject: str
    steps: tuple[Step, ...]
    author: str = Field(description='"ledger" for the deterministic writer, else backend and model')
    adapter: str | None = None
    prompt: str = Field(description="id@version of the prompt or template")
    prompt_sha256: str
    struck: tuple[str, ...] = Field(default=(), description="claims that the check removed, with the reason")
    fallback: str | None = Field(default=None, description="why the ledger wrote this, where a model was asked first")


class Finding(FrozenModel):
    """The answer to one question about one subject, as a summary gives it."""

    question: Question
    subject: str = Field(description="id of the face or picture")
    answer: Answer
    verdict: str = Field(description="id of the verdict behind it")
    text: str = Field(description="the answer as one sentence")
    reason: str | None = Field(default=None, description="the strongest reason for it; null where the answer says it")


def _joined(language: str, *sentences: str) -> str:
    """Sentences as one paragraph; Chinese has no space between them."""
    return ("" if language == "zh" else " ").join(sentences)


class Summary(FrozenModel):
    """The direct answer in plain words, from verdicts and evidence by rules: what, why, how sure, what next.

    ``answer`` is always there; the other sentences are left out where there is nothing to say, and in the short style.
    """

    language: str = Field(description="code of the language it is written in: en, es, zh")
    style: Style
    answer: str = Field(description="what was asked, answered: yes, no, leans, cannot tell")
    reason: str | None = Field(default=None, description="the strongest reason, and where in the face it is")
    trust: str | None = Field(default=None, description="how far it can be trusted: how often such a test is right")
    next_step: str | None = Field(default=None, description="what to do next")
    findings: tuple[Finding, ...] = Field(default=(), description="one per verdict, the most important one first")
    cites: tuple[str, ...] = Field(default=(), description="ids of the verdicts and the evidence that it rests on")

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences that there are, in order."""
        return tuple(text for text in (self.answer, self.reason, self.trust, self.next_step) if text)

    @property
    def line(self) -> str:
        """The answer, with the reason where the answer is that nothing can be told."""
        is_open = {one.answer for one in self.findings} == {"cannot_tell"}
        return self.answer if not (is_open and self.reason) else _joined(self.language, self.answer, self.reason)

    @property
    def text(self) -> str:
        """All sentences as one paragraph; Chinese has no space between sentences."""
        return _joined(self.language, *self.sentences)


class PolicyDecision(FrozenModel):
    """The policy decision on one question, and its rule."""

    question: Question
    purpose: str
    jurisdiction: str
    decision: Literal["allow", "allow_with_notice", "refuse"]
    rule: str
    notice: str | None = None


class Refused(FrozenModel):
    """A request that is not permitted: a question, or a topic that has no question at all."""

    topic: str
    rule: str
    notice: str


class LostReference(FrozenModel):
    """A reference picture that could not be read, and why."""

    source: str
    problem: Problem


class Request(FrozenModel):
    """The request. Empty ``questions`` mean every question that policy allows by default."""

    questions: tuple[Question, ...] = ()
    purpose: str = "unstated"
    jurisdiction: str = "strictest"


class Manifest(FrozenModel):
    """Everything needed to repeat the run, and how long each part of it took."""

    faceagent: str
    python: str
    packages: Mapping[str, str]
    profile: str
    seed: int
    weights: tuple[WeightStamp, ...] = ()
    created: str = Field(description="UTC, ISO 8601")
    timings_ms: Mapping[str, Real] = Field(
        default_factory=dict, description="per picture, as the mean over the pictures that shared the run"
    )


class Report(FrozenModel):
    """The whole answer about one picture. JSON is the source; HTML and PDF are views of it."""

    schema_version: Literal[1, 2] = Field(
        default=2, description="2 since verdicts lean and reports have a summary; 1 is read as well"
    )
    request: Request
    source: str
    summary: Summary | None = Field(
        default=None, description="the direct answer; null in reports from before there was one"
    )
    problem: Problem | None = Field(default=None, description="why the picture could not be analysed, if so")
    picture: Picture | None = None
    references: tuple[Picture, ...] = ()
    lost_references: tuple[LostReference, ...] = ()
    faces: tuple[Face, ...] = ()
    reference_faces: tuple[Face, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    rollups: tuple[Rollup, ...] = ()
    explanations: tuple[Explanation, ...] = ()
    policy: tuple[PolicyDecision, ...] = ()
    refused: tuple[Refused, ...] = Field(default=(), description="topics asked about that no purpose allows")
    limitations: tuple[str, ...] = ()
    manifest: Manifest

    @property
    def thumbnail(self) -> str | None:
        """A small copy of the picture as a ``data:`` URL, where this process has analysed it; never part of JSON."""
        found: str | None = self.__dict__.get("_thumbnail")
        return found

    def with_thumbnail(self, picture: str) -> Self:
        """A copy with the small picture; it is no field, so the copy is equal to the report and to its JSON."""
        copy = self.model_copy()
        copy.__dict__["_thumbnail"] = picture
        return copy

    def _repr_html_(self) -> str:
        if self.problem is not None:
            sentences: tuple[str, ...] = (self.problem.message, self.problem.remedy or "")
        elif self.summary is not None:
            sentences = self.summary.sentences
        else:
            sentences = ()
        lines = [(f"{one.subject} {one.question}".replace("_", " "), one.wording) for one in self.verdicts]
        return card(self.source, sentences, lines, self.thumbnail)
