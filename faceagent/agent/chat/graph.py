"""The conversation's graph, one node per module of ``steps``.

understand → load images → resolve faces → (one branch per tool call) → weigh → explain → sign off → reply.

Weighing may send more calls; resolving faces and signing off may stop to ask. Nothing is compiled at import.
"""

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from faceagent.agent.chat.state import ToolCall, TurnContext, TurnState
from faceagent.agent.chat.steps import answer, branches, explain, load_images, measure, resolve_faces, understand, weigh
from faceagent.agent.graph import RETRY

STEPS = 40
"""Steps that one turn may take; a turn with every round of further evidence needs under 20."""


def build_analyst(
    checkpointer: BaseCheckpointSaver[Any] | None = None,
) -> CompiledStateGraph[TurnState, TurnContext, Any, Any]:
    """The compiled graph; its state holds numbers and names only, everything else is in the ``TurnContext``."""
    graph = StateGraph(TurnState, context_schema=TurnContext)
    graph.add_node("understand", understand.understand)
    graph.add_node("load_images", load_images.load_images, retry_policy=RETRY)
    graph.add_node("resolve_faces", resolve_faces.resolve_faces)
    graph.add_node("run_tool", measure.run_tool, input_schema=ToolCall, retry_policy=RETRY)
    graph.add_node("gather", measure.gather)
    graph.add_node("weigh", weigh.weigh)
    graph.add_node("explain", explain.explain)
    graph.add_node("sign_off", answer.sign_off)
    graph.add_node("reply", answer.reply)
    graph.add_edge(START, "understand")
    graph.add_conditional_edges("understand", branches.after_understanding, ["load_images", "resolve_faces", "reply"])
    graph.add_edge("load_images", "resolve_faces")
    graph.add_conditional_edges("resolve_faces", branches.send_calls, ["run_tool", "weigh", "understand", "reply"])
    graph.add_edge("run_tool", "gather")
    graph.add_conditional_edges("gather", branches.send_calls, ["resolve_faces", "weigh"])
    graph.add_conditional_edges("weigh", branches.after_weighing, ["run_tool", "explain"])
    graph.add_conditional_edges("explain", branches.after_explaining, ["sign_off", "reply"])
    graph.add_edge("sign_off", "reply")
    graph.add_edge("reply", END)
    return graph.compile(checkpointer=checkpointer, name="analyst")
