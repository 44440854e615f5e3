"""The agent: a LangGraph graph that walks a picture through the rooms, and the calls that start it."""

from faceagent.quiet_urllib3 import import_urllib3

import_urllib3()  # before any module here imports LangGraph
