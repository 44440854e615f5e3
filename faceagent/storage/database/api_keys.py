"""API keys: made once, shown once, kept as argon2 hashes; and how often each was used.

A key is ``fa_ID_SECRET``. The secret has 256 random bits; argon2 protects it all the same where the table leaks.
"""

import base64
import secrets
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from pydantic import Field
from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from faceagent.storage.database.engine import Database, new_id, now
from faceagent.storage.database.tables import api_keys, usage
from faceagent.types import FrozenModel

Role = Literal["submit", "review", "admin"]
"""What a key may do; each role may do what those before it may."""
ROLES: tuple[Role, ...] = ("submit", "review", "admin")
PREFIX = "fa"
MINUTE, DAY = 60, 86_400
_hasher = PasswordHasher()


class ApiKey(FrozenModel):
    """A key without its secret."""

    id: str
    name: str
    role: Role
    rate: int | None = Field(default=None, description="requests a minute; null: the server's default")
    quota: int | None = Field(default=None, description="requests a day (UTC); null: the server's default")
    created: float = Field(description="seconds since 1970, UTC")
    revoked: float | None = None


class NewKey(FrozenModel):
    """A key that was just made: the only time that its secrets are shown."""

    key: ApiKey
    secret: str = Field(description="what to send as bearer token")
    webhook_secret: str = Field(description="what the signatures of its webhooks are made with")


def create_key(
    database: Database, name: str, role: Role, *, rate: int | None = None, quota: int | None = None
) -> NewKey:
    """Make a key. Raises StorageError."""
    made = ApiKey(id=new_id("key"), name=name, role=role, rate=rate, quota=quota, created=now())
    secret = f"{PREFIX}_{made.id.removeprefix('key_')}_{secrets.token_urlsafe(32)}"
    webhook = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    with database.write() as connection:
        connection.execute(
            insert(api_keys).values(**made.model_dump(), hash=_hasher.hash(secret), webhook_secret=webhook)
        )
    return NewKey(key=made, secret=secret, webhook_secret=webhook)


def find_key(database: Database, secret: str) -> ApiKey | None:
    """The key whose secret this is, unless it was revoked. Takes about 50 ms, on purpose."""
    parts = secret.split("_", 2)
    if len(parts) != 3 or parts[0] != PREFIX:
        return None
    with database.read() as connection:
        row = connection.execute(select(api_keys).where(api_keys.c.id == f"key_{parts[1]}")).mappings().first()
    if row is None or row["revoked"] is not None:
        return None
    try:
        _hasher.verify(row["hash"], secret)
    except (Argon2Error, InvalidHashError):
        return None
    return ApiKey.model_validate({name: row[name] for name in ApiKey.model_fields})


def list_keys(database: Database) -> list[ApiKey]:
    """All keys, the newest first."""
    with database.read() as connection:
        rows = connection.execute(select(api_keys).order_by(api_keys.c.created.desc())).mappings().all()
    return [ApiKey.model_validate({name: row[name] for name in ApiKey.model_fields}) for row in rows]


def revoke_key(database: Database, key_id: str) -> bool:
    """Revoke a key; False where there is none that is in force."""
    with database.write() as connection:
        found = connection.execute(
            update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked.is_(None)).values(revoked=now())
        )
    return found.rowcount > 0


def in_force(database: Database, key_id: str) -> bool:
    """Whether there is such a key that was not revoked."""
    wanted = select(api_keys.c.id).where(api_keys.c.id == key_id, api_keys.c.revoked.is_(None))
    with database.read() as connection:
        return connection.execute(wanted).first() is not None


def webhook_secret(database: Database, key_id: str) -> str | None:
    """The secret that signs the webhooks of a key."""
    with database.read() as connection:
        return connection.execute(select(api_keys.c.webhook_secret).where(api_keys.c.id == key_id)).scalar()


def count_use(database: Database, key_id: str) -> tuple[int, int]:
    """Count one request; returns how many there are in this minute and on this day, this one included."""
    moment = now()
    counts = []
    with database.write() as connection:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        for seconds in (MINUTE, DAY):
            start = int(moment // seconds) * seconds
            row = {"key_id": key_id, "window": f"{seconds}:{start}", "count": 1, "ends": float(start + seconds)}
            added = dialect.insert(usage).values(row)
            added = added.on_conflict_do_update(
                index_elements=[usage.c.key_id, usage.c.window], set_={"count": usage.c.count + 1}
            )
            counts.append(int(connection.execute(added.returning(usage.c.count)).scalar_one()))
    return counts[0], counts[1]


def forget_uses(database: Database) -> None:
    """Drop the counts of windows that have ended."""
    with database.write() as connection:
        connection.execute(delete(usage).where(usage.c.ends < now()))
