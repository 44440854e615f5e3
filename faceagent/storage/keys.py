"""How the keys of a record are built: ``item/name``, where an item is one picture of the run or conversation.

"0/F1:AU12" is evidence about face F1 of the first picture of a run; a conversation counts its pictures from "1".
References stand under the item ``REFERENCES``, decisions of policy under ``POLICY``.
"""

from faceagent.types import SUBJECT, PolicyDecision, Verdict

REFERENCES = "ref"
"""The item under which references stand; all pictures of a run or conversation share them."""
POLICY = "policy"
"""The item under which decisions of policy and sign-offs stand."""


def item_of(key: str) -> str:
    """The part of a key that says which picture it belongs to."""
    return key.partition("/")[0]


def name_in(key: str) -> str:
    """The part of a key that names the record within its item."""
    return key.partition("/")[2]


def picture_key(item: str) -> str:
    """The picture asked about of that item, or the problem with it."""
    return f"{item}/{SUBJECT}"


def reference_key(number: int) -> str:
    """The reference picture with that number, from 1."""
    return f"{REFERENCES}/R{number}"


def record_key(item: str, id: str) -> str:
    """A face, evidence or verdict of an item, by its id."""
    return f"{item}/{id}"


def explanation_key(item: str, verdict: Verdict) -> str:
    """The explanation of a verdict."""
    return f"{item}/E:{verdict.subject}:{verdict.question}"


def report_key(item: str) -> str:
    """The report on an item."""
    return f"{item}/report"


def source_key(key: str) -> str:
    """The source of the picture under ``key``."""
    return f"{key}:source"


def tool_run_key(view: str, tool: str, crop: str = "") -> str:
    """What a tool has been asked about a view, through the usual crop or another."""
    return f"{view}:looked:{tool}{crop}"


def decision_key(decision: PolicyDecision) -> str:
    """A decision of policy in a conversation, whose purpose and jurisdiction may change."""
    return f"{POLICY}/{decision.question}:{decision.purpose}:{decision.jurisdiction}"


def topic_key(topic: str) -> str:
    """A refusal of a topic that has no question."""
    return f"{POLICY}/topic:{topic}"


def sign_off_key(turn: int) -> str:
    """A person's decision to release the verdicts of a turn."""
    return f"{POLICY}/sign_off:{turn}"


PENDING = "words/pending"
"""The turn that has begun and not ended."""


def exchange_key(slot: int) -> str:
    """The words of a turn."""
    return f"words/{slot}"
