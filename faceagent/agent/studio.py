"""What ``langgraph.json`` names: pipeline and analyst as graphs that LangGraph's own tools can load and start.

Those tools can hand over plain values only, so these graphs take paths or URLs and give back words and JSON. Inside
run the graphs of ``analyze`` and ``chat``, and a thread of Studio's is a conversation of that name.
"""

from typing import Any, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from faceagent.agent.analyst import Analyst
from faceagent.agent.chat.events import Clarification, Done, Token


class PipelineInput(TypedDict, total=False):
    """Pictures (paths, globs, folders, URLs) and, optionally, what to ask of them and why."""

    pictures: list[str]
    questions: list[str]
    references: list[str]
    purpose: str


class PipelineOutput(TypedDict):
    """One entry per picture, in order."""

    verdicts: list[list[str]]
    reports: list[str]


def pipeline() -> CompiledStateGraph[Any, None, PipelineInput, PipelineOutput]:
    """A fresh graph around a fresh Analyst; models load with the first picture."""
    analyst = Analyst()

    def analyze(state: PipelineInput) -> PipelineOutput:
        reports = list(
            analyst.analyze_many(
                state["pictures"],
                questions=state.get("questions") or (),
                references=state.get("references") or (),
                purpose=state.get("purpose"),
            )
        )
        return PipelineOutput(
            verdicts=[[verdict.wording for verdict in report.verdicts] for report in reports],
            reports=[report.model_dump_json() for report in reports],
        )

    graph = StateGraph(PipelineInput, input_schema=PipelineInput, output_schema=PipelineOutput)
    graph.add_node("analyze", analyze)
    graph.add_edge(START, "analyze")
    graph.add_edge("analyze", END)
    return graph.compile(name="pipeline")


class AnalystInput(TypedDict, total=False):
    """What is asked, and pictures that join the conversation with it."""

    text: str
    pictures: list[str]
    references: list[str]


class AnalystOutput(TypedDict):
    """The reply, or the question back, and every event before it as JSON."""

    reply: str
    events: list[str]


def analyst() -> CompiledStateGraph[Any, None, AnalystInput, AnalystOutput]:
    """A fresh graph around a fresh Analyst; each call is a turn of the conversation that the thread stands for."""
    warm = Analyst()

    def ask(state: AnalystInput, config: RunnableConfig) -> AnalystOutput:
        thread = str(config.get("configurable", {}).get("thread_id", "")) or None
        with warm.chat(thread) as conversation:
            asked = conversation.ask(state["text"], state.get("pictures", ()), state.get("references", ()))
            events = list(asked)
        last = events[-1]
        reply = last.reply if isinstance(last, Done) else last.text if isinstance(last, Clarification) else ""
        return AnalystOutput(
            reply=reply, events=[one.model_dump_json() for one in events if not isinstance(one, Token)]
        )

    graph = StateGraph(AnalystInput, input_schema=AnalystInput, output_schema=AnalystOutput)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    return graph.compile(name="analyst")
