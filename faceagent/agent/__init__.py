"""The agent: a LangGraph graph that walks a picture through the rooms, and the calls that start it."""
