"""What ``langgraph.json`` names: the pipeline as a graph that LangGraph's own tools can load and start.

Those tools can hand over plain values only, so this graph takes paths or URLs and gives back the verdicts in words
and the reports as JSON; the graph inside is the one that ``analyze`` runs.
"""

from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from faceagent.agent.analyst import Analyst


class Ask(TypedDict, total=False):
    """Pictures (paths, globs, folders, URLs) and, optionally, what to ask of them and why."""

    pictures: list[str]
    questions: list[str]
    references: list[str]
    purpose: str


class Answer(TypedDict):
    """One entry per picture, in order."""

    verdicts: list[list[str]]
    reports: list[str]


def pipeline() -> CompiledStateGraph[Any, None, Ask, Answer]:
    """A fresh graph around a fresh Analyst; models load with the first picture."""
    analyst = Analyst()

    def analyze(state: Ask) -> Answer:
        options = {name: state.get(name) for name in ("questions", "references", "purpose") if state.get(name)}
        reports = list(analyst.analyze_many(state["pictures"], **options))  # type: ignore[arg-type]  # checked there
        return Answer(
            verdicts=[[verdict.wording for verdict in report.verdicts] for report in reports],
            reports=[report.model_dump_json() for report in reports],
        )

    graph = StateGraph(Ask, input_schema=Ask, output_schema=Answer)
    graph.add_node("analyze", analyze)
    graph.add_edge(START, "analyze")
    graph.add_edge("analyze", END)
    return graph.compile(name="pipeline")
