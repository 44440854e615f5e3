"""Where conversations are kept: one protocol, in memory, in SQLite or in PostgreSQL; and what is kept of them."""
