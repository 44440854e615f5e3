"""Provenance: what the file says of its own origin, and how far that can be believed.

Signed credentials outrank plain metadata, which anyone can write. Absence says nothing either way.
"""

from collections.abc import Sequence

from faceagent.judge.decide import abstain
from faceagent.types import Evidence, Question, Verdict

_SAID: dict[str, str] = {
    "invalid": "Its content credentials do not validate: the file was changed after signing, or the signature is bad",
    "trusted": "Its content credentials validate and the signer is on the trust list",
    "well_formed_untrusted": "Its content credentials validate, but the signer is on no trust list",
    "declares_synthetic": "The file itself declares that it was made by a generative model",
}
"""Labels that decide, strongest first."""


def origin(question: Question, subject: str, evidence: Sequence[Evidence]) -> Verdict:
    """The strongest thing the file says about itself, or inconclusive when it says nothing."""
    spoken = [item for item in evidence if item.status == "ok"]
    for label, words in _SAID.items():
        deciding = [item for item in spoken if item.label == label]
        if deciding:
            return Verdict(
                id=f"V:{subject}:{question}",
                question=question,
                subject=subject,
                label=label,
                wording=f"{words}.",
                supports=tuple(item.id for item in deciding),
                status="stable" if label in ("invalid", "trusted") else "uncertain",
            )
    return abstain(
        question,
        subject,
        "absent" if spoken else "no_evidence",
        "the file carries no content credentials that could vouch for it; most genuine files carry none",
        spoken,
    )
