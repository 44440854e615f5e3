"""Signed-in browsers: a random token in a cookie stands for an API key, and is stored as its hash only.

A *link* is a token that is exchanged for a session once, within minutes; ``faceagent serve`` prints one.
"""

import hashlib
import secrets
from typing import Literal

from sqlalchemy import delete, insert, select

from faceagent.storage.database.api_keys import ApiKey
from faceagent.storage.database.engine import Database, now
from faceagent.storage.database.tables import api_keys, browser_sessions

Kind = Literal["session", "link"]
TOKEN_BYTES = 32


def open_session(database: Database, key_id: str, seconds: float, kind: Kind = "session") -> str:
    """A new token for that key; returned here and nowhere else. Raises StorageError."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with database.write() as connection:
        connection.execute(
            insert(browser_sessions).values(digest=_digest(token), key_id=key_id, kind=kind, expires=now() + seconds)
        )
    return token


def find_session(database: Database, token: str) -> ApiKey | None:
    """The key behind a session that has not ended, unless the key was revoked."""
    columns = [api_keys.c[name] for name in ApiKey.model_fields]
    wanted = (
        select(*columns)
        .join(browser_sessions, browser_sessions.c.key_id == api_keys.c.id)
        .where(
            browser_sessions.c.digest == _digest(token),
            browser_sessions.c.kind == "session",
            browser_sessions.c.expires > now(),
            api_keys.c.revoked.is_(None),
        )
    )
    with database.read() as connection:
        row = connection.execute(wanted).mappings().first()
    return None if row is None else ApiKey.model_validate(dict(row))


def take_link(database: Database, token: str) -> str | None:
    """The id of the key that a link stands for; the link is used up. None where it is none, or its time is over."""
    mine = (browser_sessions.c.digest == _digest(token), browser_sessions.c.kind == "link")
    with database.write() as connection:
        row = connection.execute(select(browser_sessions).where(*mine, browser_sessions.c.expires > now())).first()
        connection.execute(delete(browser_sessions).where(*mine))
    return None if row is None else str(row.key_id)


def close_session(database: Database, token: str) -> None:
    """End a session."""
    with database.write() as connection:
        connection.execute(delete(browser_sessions).where(browser_sessions.c.digest == _digest(token)))


def forget_sessions(database: Database) -> None:
    """Drop those whose time is over."""
    with database.write() as connection:
        connection.execute(delete(browser_sessions).where(browser_sessions.c.expires <= now()))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
