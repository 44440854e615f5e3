"""The tables as the newest migration leaves them; ``migrations`` holds how they came about."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

REVISION = "0005"
"""The newest of ``migrations``, which leaves the tables as they are here."""
metadata = MetaData()

ID = String(40)
"""``case_`` and the like with 24 hexadecimal digits."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", String(100), nullable=False),
    Column("role", String(10), nullable=False),
    Column("hash", Text, nullable=False),
    Column("webhook_secret", Text, nullable=False),
    Column("rate", Integer),
    Column("quota", Integer),
    Column("created", Float, nullable=False),
    Column("revoked", Float),
)

usage = Table(
    "usage",
    metadata,
    Column("key_id", ID, primary_key=True),
    Column("window", String(20), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("ends", Float, nullable=False, index=True),
)

cases = Table(
    "cases",
    metadata,
    Column("id", ID, primary_key=True),
    Column("key_id", ID, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False, index=True),
    Column("deleted", Float),
    Column("etag", String(64), nullable=False),
    Column("report", LargeBinary),
    Column("picture", LargeBinary),
    Column("kept", Boolean, nullable=False, server_default=false()),
    Column("name", String(300), nullable=False, server_default=""),
    Column("status", String(12), nullable=False, server_default="analysed"),
    Column("problem", String(40)),
    Column("answer", Text),
    Column("answers", Text),
    Column("decision", String(10)),
    Column("policy", String(80)),
    Column("reasons", Text),
    Column("sign_off", String(10), nullable=False, server_default="open"),
    Index("cases_of_a_key", "key_id", "created"),
    Index("cases_by_time", "created"),
)

case_verdicts = Table(
    "case_verdicts",
    metadata,
    Column("case_id", ID, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
    Column("question", String(20), primary_key=True),
    Column("subject", String(40), nullable=False),
    Column("label", String(40), nullable=False),
    Column("leaning", String(40)),
    Column("positive", Float),
    Index("case_verdicts_by_probability", "question", "positive"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", ID, primary_key=True),
    Column("key_id", ID, nullable=False),
    Column("state", String(10), nullable=False, index=True),
    Column("created", Float, nullable=False),
    Column("finished", Float),
    Column("expires", Float, nullable=False, index=True),
    Column("total", Integer, nullable=False),
    Column("options", Text, nullable=False),
    Column("webhook", Text),
    Column("idempotency_key", String(100)),
    Column("digest", String(64), nullable=False),
    UniqueConstraint("key_id", "idempotency_key"),
)

items = Table(
    "job_items",
    metadata,
    Column("job_id", ID, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("name", String(300), nullable=False),
    Column("state", String(10), nullable=False),
    Column("data", LargeBinary),
    Column("url", Text),
    Column("attempts", Integer, nullable=False),
    Column("lease", String(40)),
    Column("lease_until", Float),
    Column("case_id", ID),
    Column("error", Text),
    Column("decision", String(10)),
    Index("job_items_open", "state", "lease_until"),
)

job_references = Table(
    "job_references",
    metadata,
    Column("job_id", ID, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("name", String(300), nullable=False, server_default="reference"),
    Column("data", LargeBinary, nullable=False),
)

policies = Table(
    "policies",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("document", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("key_id", ID, nullable=False),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", ID, primary_key=True),
    Column("case_id", ID, nullable=False, index=True),
    Column("key_id", ID, nullable=False),
    Column("label", String(20), nullable=False),
    Column("verdicts", Text, nullable=False),
    Column("created", Float, nullable=False),
)

deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", ID, primary_key=True),
    Column("key_id", ID, nullable=False),
    Column("job_id", ID, nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due", Float, nullable=False, index=True),
    Column("outcome", Text),
)

audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("key_id", ID, nullable=False),
    Column("action", String(40), nullable=False),
    Column("target", String(80), nullable=False),
    Column("request_id", String(64), nullable=False),
)

browser_sessions = Table(
    "browser_sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("key_id", ID, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("expires", Float, nullable=False, index=True),
)

case_references = Table(
    "case_references",
    metadata,
    Column("case_id", ID, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

case_thumbnails = Table(
    "case_thumbnails",
    metadata,
    Column("case_id", ID, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

case_reviews = Table(
    "case_reviews",
    metadata,
    Column("case_id", ID, ForeignKey("cases.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("key_id", ID, nullable=False),
    Column("reviewer", String(100), nullable=False),
    Column("decision", String(10), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created", Float, nullable=False),
)
