"""How the tables came about: alembic revisions in ``versions``, run by ``upgrade`` when a server starts on older tables."""
