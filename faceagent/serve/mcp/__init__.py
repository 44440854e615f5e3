"""The MCP server (Model Context Protocol): every tool, whole analyses and the chat for language-model applications.

``server.build`` makes it, ``stdio.serve`` runs it for one client that has started it as a child process. It holds no
analysis of its own: everything goes through ``Analyst``.
"""
