"""How the tables of an earlier release become today's: a file a change in ``versions``, by number.

Each runs on every database, so texts are declared as below; ``docs/architecture.md`` says how to
add one. Opening and upgrading a store is :mod:`pipelines.store.migrating`.
"""

from sqlalchemy import String, Text
from sqlalchemy.types import TypeEngine

TEXT: TypeEngine[str] = Text().with_variant(Text(collation="C"), "postgresql")
"""A text, sorted by code point on every database."""


def name(length: int | None = None) -> TypeEngine[str]:
    """A short text, sorted by code point on every database."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")
