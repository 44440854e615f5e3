"""Names that are known: questions, parts of a face, reasons, labels of scales, answers."""

from typing import Literal, get_args

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
    "no_reference", "reference_unusable", "references_differ", "same_file", "no_colour", "too_young", "absent",
    "not_measurable", "weights_missing", "not_installed", "not_trained_yet", "crashed",
    # the verdict
    "weak_evidence", "below_operating_point", "contradictory", "uncalibrated", "no_evidence", "face_unusable",
    "open_set", "unstable", "refused",
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
