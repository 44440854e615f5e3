"""How the tables came about: alembic revisions in ``versions``, run by ``upgrade`` where older tables are found."""
