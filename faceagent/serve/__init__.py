"""The service: ways in for other programs, over HTTP and MCP. Holds no analysis of its own."""
