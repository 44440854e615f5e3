"""The summary of a report that was made before, in the language of whoever reads it now."""

from faceagent.explain.summary.compose import summarize
from faceagent.types import Report, Summary, SummaryLanguage


def summary_of(report: Report, language: SummaryLanguage) -> Summary:
    """The summary of a report in a language: its own where that is the report's language."""
    if report.summary is not None and report.summary.language == language:
        return report.summary
    return summarize(
        report.verdicts,
        report.evidence,
        report.faces,
        language=language,
        everything=not report.request.questions,
        problem=report.problem,
        refused=[*report.refused, *report.policy],
    )
