"""The steps of a turn, one module each: see ``chat.graph``.

They fetch records by key, call the functions of ``pipeline`` and store what these return. Each writes the record
before it sends events, so that a process killed at any moment has lost nothing that was announced.
"""
