"""How the tables came about: alembic revisions in ``versions``, run by ``engine`` when a server starts."""
