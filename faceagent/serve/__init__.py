"""The service: ways in for other programs, over HTTP and MCP. Holds no analysis: all goes through the agent.

``app`` builds the HTTP application, ``service`` what its routes work with, ``routes/`` has one module per resource;
their state is in ``storage.database``, and they need the extra "serve". ``mcp/`` is the MCP server.
"""
