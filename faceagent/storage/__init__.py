"""Where conversations are kept: one protocol, in memory, in SQLite or in PostgreSQL; and what is kept of them."""

from faceagent.quiet_urllib3 import import_urllib3

import_urllib3()  # before any module here imports LangGraph
