"""What differs between two reports: results and what they were measured with, and nothing else."""

from collections.abc import Callable

from faceagent.report.differences import compare
from faceagent.types import Report

Sample = Callable[..., Report]


def test_a_report_is_the_same_as_itself_whenever_and_under_whatever_name(sample_report: Sample) -> None:
    before = sample_report(faces=2)
    manifest = before.manifest.model_copy(update={"created": "2027-01-01T00:00:00+00:00", "timings_ms": {"faces": 9.0}})
    found = compare(before, before.model_copy(update={"source": "elsewhere.png", "manifest": manifest}))
    assert found.values == found.environment == ()
    assert found.compared > 50


def test_a_changed_number_is_found_with_its_size(sample_report: Sample) -> None:
    before = sample_report()
    item = before.evidence[0]
    score = item.score and item.score.model_copy(update={"value": 2.25})
    changed = item.model_copy(update={"score": score})
    found = compare(before, before.model_copy(update={"evidence": (changed, *before.evidence[1:])}))
    (one,) = found.values
    assert (one.place, one.before, one.after, one.size) == ("evidence F1:forgery score value", 2.0, 2.25, 0.25)
    assert found.labels == ()


def test_another_label_and_a_verdict_more_or_less_are_told_apart_from_numbers(sample_report: Sample) -> None:
    before = sample_report(faces=2)
    other = before.verdicts[0].model_copy(update={"label": "bona_fide"})
    found = compare(before, before.model_copy(update={"verdicts": (other,)}))
    assert {one.place for one in found.labels} == {"verdicts V:F1:forgery label", "verdicts V:F2:forgery"}


def test_what_was_different_here_is_named(sample_report: Sample) -> None:
    before = sample_report()
    run = before.manifest.model_copy(update={"packages": {"numpy": "9"}, "settings": {"max_faces": 1}, "platform": "X"})
    tools = tuple(
        one.model_copy(update={"tool": one.tool.model_copy(update={"version": "2"})}) for one in before.evidence
    )
    found = compare(before, before.model_copy(update={"manifest": run, "evidence": tools}))
    assert found.values == ()
    named = {one.place for one in found.environment}
    assert named == {"numpy", "setting max_faces", "platform", "tool forgery", "tool action_units"}


def test_settings_of_a_report_from_before_they_were_kept_are_no_difference(sample_report: Sample) -> None:
    after = sample_report()
    old = after.model_copy(update={"manifest": after.manifest.model_copy(update={"settings": {}, "platform": ""})})
    assert compare(old, after).environment == ()
