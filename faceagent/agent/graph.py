"""The graph of ``analyze``: intake → faces → (one branch per tool) → weigh → explain and check → compose.

Nothing is compiled at import; ``build_graph`` returns a fresh graph.
"""

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import RetryPolicy

from faceagent.agent import nodes
from faceagent.agent.state import PipelineState, RunContext, ToolBatch

RETRY = RetryPolicy(max_attempts=3, initial_interval=0.2, retry_on=(OSError, TimeoutError))
"""For nodes that touch files: a busy disk or share is worth another try, a programming mistake is not."""


def build_graph(
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> CompiledStateGraph[PipelineState, RunContext, Any, Any]:
    """The compiled pipeline; state holds keys only, everything else is in the run's ``RunContext``."""
    graph = StateGraph(PipelineState, context_schema=RunContext)
    graph.add_node("intake", nodes.load_images, retry_policy=RETRY)
    graph.add_node("find_faces", nodes.find_faces, retry_policy=RETRY)
    graph.add_node("run_tool", nodes.run_tool, input_schema=ToolBatch, retry_policy=RETRY)
    graph.add_node("weigh", nodes.weigh)
    graph.add_node("explain", nodes.explain)
    graph.add_node("compose", nodes.compose)
    graph.add_edge(START, "intake")
    graph.add_edge("intake", "find_faces")
    graph.add_conditional_edges("find_faces", nodes.send_tools, ["run_tool", "weigh"])
    graph.add_edge("run_tool", "weigh")
    graph.add_edge("weigh", "explain")
    graph.add_edge("explain", "compose")
    graph.add_edge("compose", END)
    return graph.compile(checkpointer=checkpointer, name="pipeline")
