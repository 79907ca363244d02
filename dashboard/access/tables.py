"""What is kept about people: a store of its own, since incidents may be made anew and people not.

Times are UTC milliseconds since 1970. No secret is kept: passwords as Argon2id hashes, tokens as
SHA-256 of 256 random bits. A column that is added later must allow NULL: stores that are there
already get it when they are opened.
"""

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, Text

metadata = MetaData()

account = Table(
    "account",
    metadata,
    Column("name", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("password", Text),
    Column("created_ms", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("locked_until_ms", BigInteger),
    Column("closed_ms", BigInteger),
    Column("via", String),
    Column("scope", String),
)
"""One row a person; ``via`` says where they are known, if not here: ``oidc`` or ``ldap``."""

invitation = Table(
    "invitation",
    metadata,
    Column("token", String(64), primary_key=True),
    Column("name", String, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
)
"""A one-time link with which a person sets the password."""

session = Table(
    "session",
    metadata,
    Column("token", String(64), primary_key=True),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("began_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
)
"""Who is logged in; ``kind`` is ``person`` or ``wall``."""

attempt = Table(
    "attempt",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("peer", String, nullable=False, index=True),
    Column("at_ms", BigInteger, nullable=False),
)
"""A login that failed lately, and from where: one address that guesses at many names."""

wall = Table(
    "wall",
    metadata,
    Column("name", String, primary_key=True),
    Column("token", String(64), nullable=False, unique=True),
    Column("created_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    Column("seen_ms", BigInteger),
    Column("scope", String),
)
"""One row a wall screen: it may look, for as long as its token is not revoked."""

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("who", String, nullable=False),
    Column("act", String, nullable=False),
    Column("about", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("hash", String(64), nullable=False),
)
"""What was done, by whom, each row sealed with the hash of the one before it. Append-only."""
