"""Moderation: the strictest rule that is met decides; policies are stored, versioned, and tried."""

import pytest
from fake_service import Server, picture_bytes, report_on
from hypothesis import given, settings
from hypothesis import strategies as st

from faceagent.errors import InputError
from faceagent.intake import NamedBytes
from faceagent.policy import OPT_IN
from faceagent.serve.moderation import STRICTEST, STRICTNESS, PolicyDocument, Rule, moderate, read_policy
from faceagent.types import Request

PNG = picture_bytes()
OPTED = sorted(OPT_IN)[0]
REPORT = report_on(NamedBytes("a.png", PNG), Request())
UNREAD = report_on(NamedBytes("a.png", b"no picture"), Request())
CONDITIONS = ("forged", "forgery>=0.9", "forgery>=0.99", "quality<90", "quality<10", "no_face", "unreadable", "spoof")


def test_the_default_blocks_allows_and_asks_for_review() -> None:
    assert moderate(REPORT, STRICTEST).decision == "block"
    assert moderate(UNREAD, STRICTEST).decision == "block"
    assert moderate(REPORT.model_copy(update={"faces": (), "verdicts": ()}), STRICTEST).decision == "review"
    assert moderate(REPORT.model_copy(update={"verdicts": ()}), STRICTEST).decision == "allow"
    failed = REPORT.evidence[0].model_copy(update={"status": "unavailable", "reason": "weights_missing"})
    assert moderate(REPORT.model_copy(update={"verdicts": (), "evidence": (failed,)}), STRICTEST).decision == "review"


def test_the_trace_shows_which_rule_decided() -> None:
    document = read_policy("""
rules:
  - {when: [forged], then: review, reason: A label.}
  - {when: ["forgery>=0.9", "quality<90"], then: block, reason: Sure and usable.}
  - {when: ["forgery>=0.99"], then: block}
otherwise: allow
""")
    found = moderate(REPORT, document)
    assert (found.decision, found.reasons) == ("block", ("Sure and usable.",))
    assert [(one.met, one.decided, one.subjects) for one in found.trace] == [
        (True, False, ("F1",)),
        (True, True, ("F1",)),
        (False, False, ()),
    ]


def test_conditions_of_a_rule_have_to_hold_for_one_face() -> None:
    sharp = REPORT.faces[0]
    blurred = sharp.model_copy(update={"id": "F2", "quality": sharp.quality.model_copy(update={"unified": 5.0})})
    report = REPORT.model_copy(update={"faces": (sharp, blurred)})
    document = PolicyDocument(rules=(Rule(when=("forged", "quality<10"), then="block"),), otherwise="allow")
    assert moderate(report, document).decision == "allow"


@given(
    st.lists(st.tuples(st.sampled_from(CONDITIONS), st.sampled_from(STRICTNESS)), min_size=1, max_size=6),
    st.sampled_from(STRICTNESS),
    st.randoms(use_true_random=False),
)
@settings(max_examples=40, deadline=None)
def test_the_order_of_rules_means_nothing_and_a_rule_more_is_never_less_strict(
    rules: list[tuple[str, str]], otherwise: str, random: object
) -> None:
    def decide(some: list[tuple[str, str]]) -> str:
        made = [{"when": [when], "then": then} for when, then in some]
        return moderate(REPORT, PolicyDocument.model_validate({"rules": made, "otherwise": otherwise})).decision

    decided = decide(rules)
    random.shuffle(rules)  # type: ignore[attr-defined]
    assert decide(rules) == decided
    assert decide([*rules, ("forged", "block")]) == "block"


def test_whoever_sends_a_picture_cannot_leave_out_what_a_policy_is_about() -> None:
    document = PolicyDocument.model_validate({"rules": [{"when": ["forgery>=0.9"], "then": "block"}]})
    assert document.questions((), has_reference=False) == ()
    assert set(document.questions(["quality", "age"], has_reference=False)) > {"forgery", "spoof", "quality", "age"}
    opted = PolicyDocument.model_validate({"rules": [{"when": [f"{OPTED}=limited"], "then": "block"}]})
    assert {"forgery", OPTED} <= set(opted.questions((), has_reference=False))


def test_a_label_of_a_question_that_is_answered_only_when_asked_asks_it() -> None:
    document = read_policy("rules: [{when: [female], then: review}]")
    assert {"gender", "forgery"} <= set(document.questions((), has_reference=False))


@pytest.mark.parametrize("condition", ["identity>=0.9", "other_person", "identity=inconclusive"])
def test_a_rule_about_identity_without_references_says_that_it_was_not_measured(condition: str) -> None:
    document = read_policy(f"rules: [{{when: ['{condition}'], then: block}}, {{when: [forged], then: review}}]")
    found = moderate(REPORT, document)
    assert (found.decision, found.unmeasured) == ("review", ("identity",))
    assert [one.unmeasured for one in found.trace] == [("identity",), ()]
    unasked = REPORT.verdicts[0].model_copy(
        update={"question": "identity", "label": "inconclusive", "reason": "no_reference", "positive": None}
    )
    report = REPORT.model_copy(update={"verdicts": (*REPORT.verdicts, unasked)})
    assert moderate(report, document).unmeasured == ("identity",)
    measured = unasked.model_copy(update={"reason": "weak_evidence"})
    assert moderate(report.model_copy(update={"verdicts": (measured,)}), document).unmeasured == ("forgery",)


def test_a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(InputError, match="line 2: a key stands twice"):
        read_policy("rules: [{when: [act], then: block}]\nrules: [{when: [act], then: allow}]")


@pytest.mark.parametrize("line", ["&{after} [{nine}]", "&{after} {{<<: [{nine}]}}"], ids=["lists", "merged keys"])
def test_a_few_lines_that_stand_for_billions_are_refused_at_once(line: str) -> None:
    lines = ["a: &a {k: 1}"]
    for name, after in zip("abcdefghi", "bcdefghij", strict=True):
        lines.append(f"{after}: " + line.format(after=after, nine=", ".join([f"*{name}"] * 9)))
    with pytest.raises(InputError, match="aliases are not read"):
        read_policy("\n".join(lines))


def test_a_condition_that_is_none_names_all_that_there_are() -> None:
    with pytest.raises(ValueError, match="no_face, unreadable, unmeasured"):
        read_policy("rules: [{when: [nonsense], then: block}]")


@pytest.mark.parametrize("text", ["", "[]", "rules: []", "rules: [{when: [mood], then: block}]", "a: {b", "- &a [*a]"])
def test_a_policy_that_is_none_is_refused(text: str) -> None:
    with pytest.raises((InputError, ValueError)):
        read_policy(text)


def test_a_picture_is_moderated_with_and_without_a_trace_of_it(server: Server) -> None:
    kept = server.post("/v1/moderate", files={"image": ("a.png", PNG)})
    assert kept.status_code == 200
    body = kept.json()
    assert (body["decision"], body["policy"], body["version"]) == ("block", "strictest", None)
    assert server.get(f"/v1/cases/{body['case_id']}").status_code == 200
    dry = server.post("/v1/moderate", files={"image": ("a.png", PNG)}, data={"dry_run": "true"}).json()
    assert (dry["decision"], dry["case_id"]) == ("block", None)


def test_policies_have_names_and_versions(server: Server) -> None:
    yaml = {"content-type": "application/yaml"}
    first = "rules: [{when: [forged], then: review}]\notherwise: allow"
    assert server.client.put("/v1/policies/shop", headers={**server.headers(), **yaml}).status_code == 403
    admin = server.headers("admin")
    for version, text in enumerate((first, first.replace("review", "block")), start=1):
        put = server.client.put("/v1/policies/shop", headers={**admin, **yaml}, content=text)
        assert (put.status_code, put.json()["version"]) == (201, version)
    decided = [
        server.post("/v1/moderate", json={"image": "QUJD", "policy": "shop", "version": version}).json()["decision"]
        for version in (1, 2)
    ]
    assert decided == ["allow", "allow"], "what is no picture meets no rule of this policy"
    case_id = server.analyse(PNG).json()["case_id"]
    tried = [
        server.post("/v1/policies/test", json={"case_id": case_id, "policy": "shop", "version": version}).json()
        for version in (1, 2)
    ]
    assert [one["decision"] for one in tried] == ["review", "block"]
    assert server.get("/v1/policies/shop").json()["version"] == 2
    names = [one["name"] for one in server.get("/v1/policies").json()["policies"]]
    assert names == ["strictest", "shop"]
    assert server.client.put("/v1/policies/strictest", headers={**admin, **yaml}, content=first).status_code == 409
    wrong = server.client.put(
        "/v1/policies/shop", headers={**admin, **yaml}, content="rules: [{when: [x], then: block}]"
    )
    assert (wrong.status_code, wrong.json()["error"]["details"][0]["field"]) == (422, "rules.0.when.0")
    assert server.post("/v1/moderate", json={"image": "QUJD", "policy": "none"}).status_code == 404
