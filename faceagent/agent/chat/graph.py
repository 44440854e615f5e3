"""The conversation's graph: understand → look → point → (one branch per call) → weigh → explain → sign off → reply.

Weighing may send out more calls; pointing and signing off may stop to ask. Nothing is compiled at import.
"""

from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from faceagent.agent.chat import nodes
from faceagent.agent.chat.state import Call, Talk, Turn
from faceagent.agent.graph import RETRY

STEPS = 40
"""Steps that one turn may take; a turn with every round of further evidence needs under 20."""


def build_analyst(checkpointer: BaseCheckpointSaver[Any] | None = None) -> CompiledStateGraph[Turn, Talk, Any, Any]:
    """The compiled graph; its state holds numbers and names only, everything else is in the ``Talk``."""
    graph = StateGraph(Turn, context_schema=Talk)
    graph.add_node("understand", nodes.understand)
    graph.add_node("look", nodes.look, retry_policy=RETRY)
    graph.add_node("point", nodes.point)
    graph.add_node("run_tool", nodes.run_tool, input_schema=Call, retry_policy=RETRY)
    graph.add_node("gather", nodes.gather)
    graph.add_node("weigh", nodes.weigh)
    graph.add_node("explain", nodes.explain)
    graph.add_node("sign_off", nodes.sign_off)
    graph.add_node("reply", nodes.reply)
    graph.add_edge(START, "understand")
    graph.add_conditional_edges("understand", nodes.after_understanding, ["look", "point", "reply"])
    graph.add_edge("look", "point")
    graph.add_conditional_edges("point", nodes.fan, ["run_tool", "weigh", "understand", "reply"])
    graph.add_edge("run_tool", "gather")
    graph.add_conditional_edges("gather", nodes.fan, ["point", "weigh"])
    graph.add_conditional_edges("weigh", nodes.after_weighing, ["run_tool", "explain"])
    graph.add_conditional_edges("explain", nodes.after_explaining, ["sign_off", "reply"])
    graph.add_edge("sign_off", "reply")
    graph.add_edge("reply", END)
    return graph.compile(checkpointer=checkpointer, name="analyst")
