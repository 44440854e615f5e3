"""Follow-up questions: answered from the record and by the judge."""

from collections.abc import Callable
from pathlib import Path

from turns import recorded, said

from faceagent import Analyst
from faceagent.judge import weigh
from faceagent.judge.counterfactual import what_would_change
from faceagent.types import Evidence, Face, Verdict

Views = Callable[[], int]
HAPPY = "does she look happy?"


def test_follow_ups_read_the_record_and_run_no_tool(analyst: Analyst, photo: Path, views: Views) -> None:
    with analyst.chat() as talk:
        said(talk, HAPPY, [photo])
        before = views()
        why = said(talk, "why do you say that?")
        assert "What it rests on" in why and "AU12" in why and "[E" in why
        said(talk, "what would change your mind?")
        said(talk, "/evidence E1")
        said(talk, HAPPY)
        assert views() == before
        events = list(talk.ask("/again"))
        assert views() > before
        # Measured again, and nothing is there twice.
        assert len(recorded(events)) == len(set(recorded(events)))
        assert len(talk.store.all(Evidence)) == len(talk.store.evidence_keys())


def test_what_would_change_a_verdict_is_the_judges_own_answer(analyst: Analyst, photo: Path) -> None:
    with analyst.chat() as talk:
        said(talk, HAPPY, [photo])
        text = said(talk, "what would change your mind?")
        verdict, face = talk.store.get("1/V:F1:expression", Verdict), talk.store.get("1/F1", Face)
        evidence = [talk.store.get(key, Evidence) for key in talk.store.keys("1", Evidence)]
        change = what_would_change(verdict, face, evidence).changes[0]
        moved = [
            one.model_copy(update={"distribution": {**one.distribution, change.entry: change.needed}})
            if one.id == change.evidence
            else one
            for one in evidence
        ]
        assert f"({change.entry}): {change.needed:.2f} instead of {change.measured:.2f}" in text
        assert weigh("expression", face, moved).label == change.label != verdict.label
