"""Provenance: what the file declares about its own origin, and how reliable that is.

Signed credentials outrank plain metadata, which anyone can write. Absence is no evidence for either side.
"""

from collections.abc import Sequence

from faceagent.judge.decide import abstain
from faceagent.types import Evidence, Question, Verdict

_STATEMENTS: dict[str, str] = {
    "invalid": "Its content credentials do not validate: the file was changed after signing, or the signature is bad",
    "trusted": "Its content credentials validate and the signer is on the trust list",
    "well_formed_untrusted": "Its content credentials validate, but the signer is on no trust list",
    "declares_synthetic": "The file itself declares that it was made by a generative model",
}
"""Labels that decide, strongest first."""


def decide(question: Question, subject: str, evidence: Sequence[Evidence]) -> Verdict:
    """The strongest declaration of the file, or inconclusive when it makes none."""
    measured = [item for item in evidence if item.status == "ok"]
    for label, words in _STATEMENTS.items():
        deciding = [item for item in measured if item.label == label]
        if deciding:
            return Verdict(
                id=f"V:{subject}:{question}",
                question=question,
                subject=subject,
                label=label,
                wording=f"{words}{_generators(deciding) if label == 'declares_synthetic' else ''}.",
                supports=tuple(item.id for item in deciding),
                status="stable" if label in ("invalid", "trusted") else "uncertain",
            )
    return abstain(
        question,
        subject,
        "absent" if measured else "no_evidence",
        "the file carries no content credentials that could vouch for it; most genuine files carry none",
        measured,
    )


def _generators(deciding: Sequence[Evidence]) -> str:
    """Which generators the file declares, in brackets; all of them names out of our own tables."""
    names = sorted({name for item in deciding for name in str(item.facts.get("generators", "")).split(", ") if name})
    return f" ({', '.join(names)})" if names else ""
