"""Looking for words in what incidents say of themselves: numbers, addresses, titles, initials.

On SQLite an index says which incidents may hold what is sought, so that a million of them need not
be read; whoever asks looks at each before believing it (:func:`sought_in`). It holds every two
neighbouring signs of a text, because Chinese has no spaces and a word of two signs is common, and
the same of the first letters of the pinyin, so that ``sjq`` finds 四季青. It is filled beside the
door, not in it (:class:`pipelines.upkeep.indexing.Indexer`): what came last is looked at one by
one.

On another database the texts themselves are searched, with the help of its own index
(:mod:`pipelines.store.trigrams`).
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, or_, select, text

from pipelines.store import schema
from pipelines.store.store import Reader, Writer

_RUN = re.compile(r"\w+")
_HAN = re.compile(r"[\u3400-\u9fff]+")
_LETTERS = re.compile(r"[a-z]{2,}")
_ID = re.compile(r"[0-9a-f]{8,32}")
_CHUNK = 500
_TAIL_MOST = 2000
"""How many incidents that are not in the index yet are looked at one by one."""
_MARK = "indexed_until"

PREPARE = (
    """
    CREATE TABLE IF NOT EXISTS spoken (
        doc INTEGER PRIMARY KEY AUTOINCREMENT, incident_id TEXT NOT NULL, digest BLOB NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS spoken_by_incident ON spoken (incident_id)",
    """
    CREATE VIRTUAL TABLE IF NOT EXISTS spoken_words USING fts5(
        words, content = '', detail = none, columnsize = 0, tokenize = 'ascii'
    )
    """,
)
"""What makes the index of a SQLite store: derived from the incidents, and no part of the schema.

An incident whose words change gets another row; the words of the former one find it still, and
whoever looks at it sees that they are gone.
"""


class Document(NamedTuple):
    """The words of one incident, for the index."""

    incident_id: str
    digest: bytes
    words: str


def has_index(connection: Connection) -> bool:
    """Whether this database keeps the index, and it has been made."""
    if connection.dialect.name != "sqlite":
        return False
    made = "SELECT 1 FROM sqlite_master WHERE name = 'spoken_words'"
    return connection.exec_driver_sql(made).first() is not None


def prepare(writer: Writer) -> bool:
    """Make the index if it is not there; False where this database keeps none."""
    if writer.connection.dialect.name != "sqlite":
        return False
    for statement in PREPARE:
        writer.connection.exec_driver_sql(statement)
    return True


def document(incident_id: str, texts: Iterable[str | None]) -> Document:
    """What the index is to know of an incident that says these texts."""
    said = [told for told in texts if told]
    digest = blake2b("\x1f".join(said).encode(), digest_size=8).digest()
    return Document(incident_id, digest, " ".join(map(_named, sorted(_tokens(said)))))


def _tokens(texts: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for told in texts:
        for run in _RUN.findall(told.lower()):
            found.update(_pairs(run))
            found.add(run[-1])
            for han in _HAN.findall(run):
                found.update("~" + pair for pair in _pairs(initials(han)))
    return found


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]


@lru_cache(maxsize=65_536)
def initials(han: str) -> str:
    """The first letter of the pinyin of each sign."""
    # its dictionaries take a second to load, which only those should wait for who search
    from pypinyin import Style, lazy_pinyin

    return "".join(lazy_pinyin(han, style=Style.FIRST_LETTER))


def _named(token: str) -> str:
    """A token as plain letters and digits, which no tokenizer takes apart."""
    return token.encode().hex()


def terms_of(sought: str) -> list[str]:
    """The words that are sought; each must be found."""
    return sought.lower().split()


def _match(sought: str) -> str | None:
    """The question for the index; None when it cannot narrow anything down."""
    parts = [part for term in terms_of(sought) if (part := _match_term(term)) is not None]
    return " AND ".join(parts) or None


def _match_term(term: str) -> str | None:
    wanted: list[str] = []
    for run in _RUN.findall(term):
        wanted += [_named(pair) for pair in _pairs(run)] or [_named(run) + "*"]
    if not wanted:
        return None
    literal = " AND ".join(wanted)
    if not _LETTERS.fullmatch(term):
        return f"({literal})"
    by_initials = " AND ".join(_named("~" + pair) for pair in _pairs(term))
    return f"(({literal}) OR ({by_initials}))"


def sought_in(sought: str, texts: Sequence[str | None]) -> bool:
    """Whether everything that is sought stands in one of some texts, or in their initials."""
    said = [told.lower() for told in texts if told]
    return all(any(_stands(term, told) for told in said) for term in terms_of(sought))


def _stands(term: str, told: str) -> bool:
    if term in told:
        return True
    return bool(_LETTERS.fullmatch(term)) and any(
        term in initials(han) for run in _RUN.findall(told) for han in _HAN.findall(run)
    )


def count_found(reader: Reader, sought: str, most: int) -> int:
    """How many incidents may hold what is sought, up to ``most``; that many without an index."""
    match = _match(sought)
    if match is None or not has_index(reader.connection):
        return most
    query = text(
        "SELECT count(*) FROM (SELECT 1 FROM spoken_words WHERE spoken_words MATCH :match"
        " LIMIT :most)"
    )
    return int(reader.rows(query.bindparams(match=match, most=most))[0][0])


def candidates(reader: Reader, sought: str) -> Iterator[list[str]]:
    """The ids of all incidents that may hold what is sought, some at a time, the latest first."""
    if _ID.fullmatch(sought.strip()):
        yield _by_id(reader, sought.strip())
    match = _match(sought)
    if match is None or not has_index(reader.connection):
        return
    yield _not_yet_there(reader)
    after = 1 << 62
    query = text(
        "SELECT spoken.doc, spoken.incident_id FROM ("
        " SELECT rowid FROM spoken_words WHERE spoken_words MATCH :match AND rowid < :after"
        " ORDER BY rowid DESC LIMIT :limit"
        ") AS found JOIN spoken ON spoken.doc = found.rowid ORDER BY spoken.doc DESC"
    )
    while True:
        rows = reader.rows(query.bindparams(match=match, after=after, limit=_CHUNK))
        if not rows:
            return
        yield [row.incident_id for row in rows]
        after = rows[-1].doc


def _by_id(reader: Reader, begins: str) -> list[str]:
    ids = schema.incident.c.id
    query = select(ids).where(ids >= begins, ids <= begins + "g").limit(20)
    return [row.id for row in reader.rows(query)]


def _not_yet_there(reader: Reader) -> list[str]:
    query = text(
        "SELECT DISTINCT incident_id FROM (SELECT incident_id FROM report WHERE rowid > :mark"
        " ORDER BY rowid DESC LIMIT :most)"
    )
    mark = mark_of(reader)
    return [row[0] for row in reader.rows(query.bindparams(mark=mark, most=_TAIL_MOST))]


def containing(
    reader: Reader, sought: str, conditions: Sequence[ColumnElement[bool]], order: Sequence[Any]
) -> Iterator[Any]:
    """The incidents under some conditions that may say what is sought, without the index.

    A term that may be the initials of something is not looked for by the database.
    """
    incident = schema.incident.c
    texts = (incident.key, incident.title, incident.address)
    said = [
        or_(*(told.icontains(term, autoescape=True) for told in texts))
        for term in terms_of(sought)
        if not _LETTERS.fullmatch(term)
    ]
    return reader.each(select(schema.incident).where(*said, *conditions).order_by(*order))


def mark_of(reader: Reader) -> int:
    """How far the index has been brought: the number of the last report's row that was read.

    Reports are added and never taken away.
    """
    return int(reader.meta(_MARK) or 0)


def unread(reader: Reader, mark: int, limit: int) -> tuple[int, list[str]]:
    """The incidents of some reports behind a mark, and the mark behind those."""
    query = text(
        "SELECT rowid, incident_id FROM report WHERE rowid > :mark ORDER BY rowid LIMIT :limit"
    )
    rows = reader.rows(query.bindparams(mark=mark, limit=limit))
    if not rows:
        return mark, []
    return int(rows[-1][0]), list(dict.fromkeys(row[1] for row in rows))


def read_documents(reader: Reader, incidents: Sequence[str]) -> list[Document]:
    """What the index is to know of some incidents that it does not know yet, by their start."""
    rows = sorted(reader.incidents(incidents).values(), key=lambda row: int(row.t0_ms))
    made = [document(row.id, (row.key, row.title, row.address)) for row in rows]
    query = text(
        "SELECT incident_id, digest FROM spoken"
        " WHERE incident_id IN (SELECT value FROM json_each(:ids))"
    )
    ids = json.dumps([one.incident_id for one in made])
    known = {(row[0], bytes(row[1])) for row in reader.rows(query.bindparams(ids=ids))}
    return [one for one in made if (one.incident_id, one.digest) not in known]


def add_documents(
    writer: Writer, documents: Sequence[Document], *, mark: int | None = None
) -> None:
    """Put documents into the index, and remember how far it has been brought."""
    connection = writer.connection
    last = connection.exec_driver_sql("SELECT coalesce(max(doc), 0) FROM spoken").scalar_one()
    numbered = list(enumerate(documents, start=int(last) + 1))
    if numbered:
        connection.exec_driver_sql(
            "INSERT INTO spoken (doc, incident_id, digest) VALUES (?, ?, ?)",
            [(doc, one.incident_id, one.digest) for doc, one in numbered],
        )
        connection.exec_driver_sql(
            "INSERT INTO spoken_words (rowid, words) VALUES (?, ?)",
            [(doc, one.words) for doc, one in numbered],
        )
    if mark is not None:
        writer.put_meta(_MARK, str(mark))
