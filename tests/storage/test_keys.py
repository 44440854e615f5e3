"""Keys of a record: each says which picture it belongs to, and no two kinds of value share one."""

from faceagent.storage import keys
from faceagent.types import PolicyDecision, Verdict

VERDICT = Verdict(id="V:F1:spoof", question="spoof", subject="F1", label="live", wording="live", status="stable")
DECISION = PolicyDecision(question="spoof", purpose="research", jurisdiction="eu", decision="allow", rule="none")


def test_a_key_names_its_item_and_what_it_is_within_it() -> None:
    assert keys.picture_key("3") == "3/P1" and keys.reference_key(2) == "ref/R2"
    assert keys.item_of("3/F1:AU12") == "3" and keys.name_in("3/F1:AU12") == "F1:AU12"


def test_no_two_kinds_of_value_share_a_key() -> None:
    built = [
        keys.picture_key("1"), keys.reference_key(1), keys.record_key("1", "F1"), keys.record_key("1", VERDICT.id),
        keys.explanation_key("1", VERDICT), keys.report_key("1"), keys.source_key(keys.picture_key("1")),
        keys.tool_run_key("1/F1", "spoof"), keys.tool_run_key("1/F1", "spoof", "closer"), keys.decision_key(DECISION),
        keys.topic_key("race"), keys.sign_off_key(1), keys.exchange_key(1),
    ]  # fmt: skip
    assert len(set(built)) == len(built)
