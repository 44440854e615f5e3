"""What a policy would decide about the cases that are stored, before it is saved. Nothing is analysed or changed."""

from collections import Counter
from functools import lru_cache

from fastapi import APIRouter
from pydantic import Field

from faceagent.serve import policy_words
from faceagent.serve.auth import ServiceHere, Submitter, owner
from faceagent.serve.errors import responses
from faceagent.serve.moderation import NamedPolicy, read_policy
from faceagent.serve.policies import DEFAULT_POLICY, MOST_BYTES, NAME, find_policy
from faceagent.storage.database import case_index
from faceagent.storage.database import cases as stored
from faceagent.storage.database.engine import Database
from faceagent.types import Findings, FrozenModel, Reason, SummaryLanguage
from faceagent.types.service import Decision

router = APIRouter(tags=["moderation"])
MOST_CASES = 200
REMEMBERED = 256
"""Reports that stay read: every key that is pressed in the editor asks about the same ones."""


class PreviewBody(FrozenModel):
    """A document to try."""

    document: str = Field(max_length=MOST_BYTES, description="the policy in YAML or JSON")
    against: str | None = Field(default=None, pattern=NAME, description="policy to compare with; null: strictest")
    limit: int = Field(default=MOST_CASES, ge=1, le=MOST_CASES, description="the newest cases, so many")
    language: SummaryLanguage = Field(default="en", description="of the sentences")


class PreviewChange(FrozenModel):
    """A case about which the two decide differently."""

    case_id: str
    name: str
    kept: bool
    problem: Reason | None
    before: Decision
    after: Decision
    reasons: tuple[str, ...] = Field(description="of the rules of the document that decide")


class Preview(FrozenModel):
    """What a document would decide, beside what the other policy does."""

    cases: int
    before: dict[Decision, int]
    after: dict[Decision, int]
    changes: list[PreviewChange]
    sentences: tuple[str, ...] = Field(
        description="what each rule of the document does, and what holds where none does"
    )


@router.post("/v1/policies/preview", responses=responses(404))
def preview_policy(service: ServiceHere, key: Submitter, body: PreviewBody) -> Preview:
    """Decide about the newest cases by a document that is not stored: which decisions would change."""
    new = NamedPolicy(document=read_policy(body.document))
    old = find_policy(service.database, body.against, None) if body.against else DEFAULT_POLICY
    before, after, changes = Counter[Decision](), Counter[Decision](), list[PreviewChange]()
    entries = case_index.list_cases(service.database, owner(key), limit=body.limit).cases
    for entry in entries:
        try:
            findings = _findings(service.database, entry.case_id, entry.etag)
        except LookupError:
            continue  # it ended while the list was read
        was, becomes = old.decide(findings), new.decide(findings)
        before[was.decision] += 1
        after[becomes.decision] += 1
        if was.decision != becomes.decision:
            changes.append(
                PreviewChange(
                    case_id=entry.case_id,
                    name=entry.name,
                    kept=entry.kept,
                    problem=entry.problem,
                    before=was.decision,
                    after=becomes.decision,
                    reasons=becomes.reasons,
                )
            )
    return Preview(
        cases=sum(after.values()),
        before=dict(before),
        after=dict(after),
        changes=changes,
        sentences=policy_words.sentences(new.document, body.language),
    )


@lru_cache(maxsize=REMEMBERED)
def _findings(database: Database, case_id: str, etag: str) -> Findings:
    del etag
    case = stored.find_case(database, case_id, None)
    if case is None or case.report is None:
        raise LookupError(case_id)
    return Findings.model_validate_json(case.report)
