"""How the tables came about: alembic revisions in ``versions``, run by ``upgrade`` where a server finds older tables."""
