"""The console: what people say on a page comes in through the one door, as any record does.

A click is a record of the source ``console``: bytes that are kept, a decoder that gives them
meaning, a digest by which the same click sent twice is one. Any process that serves screens may
take it in, whoever takes in the sources: it has no position, and changes nothing that is there.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn

from pipelines.connectors.record import Batch, Origin, Poller, Record, content_of
from pipelines.decoders.decoder import Meaning
from pipelines.door.ingest import Door
from pipelines.errors import BadRecordError, QueryError
from pipelines.feeds.sources import Source
from pipelines.figures.groups import sees
from pipelines.installation import Installation
from pipelines.model.incident import incident_id as id_of
from pipelines.model.remark import ABOUT_INCIDENTS, ABOUT_SHIFTS, Act, Remark, shift_subject

CONSOLE = "console"
"""The source of what is said on a page; no configured source may have its name."""
LONGEST = 2000
"""Characters of one text."""
_PART = "(console)"


class ConsoleDecoder:
    """Gives a click its meaning: what was said, by whom, about which incident or shift."""

    def decode(self, record: Record, *, source: str, received_at: datetime) -> Meaning:
        """One remark; raises BadRecordError naming column, value and rule."""
        try:
            said = json.loads(record.raw)
        except ValueError as error:
            raise BadRecordError("(record)", repr(record.raw[:80]), "is no JSON") from error
        act = _act(said)
        remark = Remark(
            source=source,
            subject=_subject(said, act),
            act=act,
            person=_text(said, "person", most=200),
            at=_moment(said, "at"),
            recorded_at=received_at,
            content=content_of(record),
            text=_text(said, "text", most=LONGEST, may_be_empty=act is not Act.NOTED),
        )
        return Meaning(remarks=(remark,))


def _act(said: Mapping[str, object]) -> Act:
    try:
        return Act(str(said.get("act")))
    except ValueError as error:
        rule = f"must be one of: {', '.join(Act)}"
        raise BadRecordError("act", str(said.get("act")), rule) from error


def _subject(said: Mapping[str, object], act: Act) -> str:
    source, key = (str(said.get(name) or "") for name in ("source", "key"))
    shift = said.get("shift")
    if bool(source and key) == bool(shift):
        raise BadRecordError("subject", f"{source}/{key}", "must be an incident or a shift")
    if act not in (ABOUT_SHIFTS if shift else ABOUT_INCIDENTS):
        raise BadRecordError("act", act, f"cannot be said of {'a shift' if shift else 'incidents'}")
    return shift_subject(_moment(said, "shift")) if shift else id_of(source, key)


def _text(said: Mapping[str, object], name: str, *, most: int, may_be_empty: bool = False) -> str:
    text = "".join(c for c in str(said.get(name) or "") if c.isprintable() or c == "\n").strip()
    if not text and not may_be_empty:
        raise BadRecordError(name, text, "must not be empty")
    if len(text) > most:
        raise BadRecordError(name, f"{text[:40]}…", f"must have at most {most} characters")
    return text


def _moment(said: Mapping[str, object], name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(str(said.get(name)))
    except ValueError as error:
        raise BadRecordError(name, str(said.get(name)), "must be a time by ISO 8601") from error
    if moment.tzinfo is None:
        raise BadRecordError(name, str(said.get(name)), "must have a zone")
    return moment.astimezone(UTC)


class _Pages:
    """The connector of the console: it is told by the pages themselves."""

    def over(self, file: Path) -> Poller:
        """Nothing is read from files."""
        raise QueryError(f"{file}: what is said at the console is in no file")


class Console:
    """Takes in what people say; safe from any thread."""

    def __init__(self, installation: Installation) -> None:
        """The door is one of its own: it needs no lease, as it writes nothing that others do."""
        self._store = installation.store
        self._desk = installation.desk
        self._door = Door(
            installation.store,
            rules=installation.desk.rules,
            grids=installation.grids,
            zone=installation.desk.zone,
        )
        self._source = Source(
            id=CONSOLE,
            names={"zh": "指挥台", "en": "Console"},
            connector=_Pages(),
            decoder=ConsoleDecoder(),
            every=timedelta(seconds=1),
            to_wgs84=None,
            silence=None,
            replay=None,
            is_urgent=False,
        )

    def take(self, act: str, said: Mapping[str, str], *, person: str, now: datetime) -> None:
        """Take in a ``text`` about an ``incident``, by its id, or about a ``shift``.

        Raises QueryError naming value, rule and way out.
        """
        about = {"shift": said["shift"]} if said.get("shift") else {}
        incident = said.get("incident")
        if incident:
            with self._store.reading() as reader:
                row = reader.incidents([incident]).get(incident)
            if row is None or not sees(self._desk, row.grid):
                raise QueryError(f"incident = {incident[:40]!r}: there is no such incident")
            about |= {"source": row.source, "key": row.key}
        self._take(about, act, person, said.get("text", ""), now)

    def _take(
        self, about: Mapping[str, str], act: str, person: str, text: str, now: datetime
    ) -> None:
        said = {**about, "act": act, "person": person, "at": now.isoformat(), "text": text}
        raw = json.dumps(said, ensure_ascii=False, sort_keys=True).encode()
        record = Record(raw, b"", None, Origin(_PART, 1), 1)
        meant = self._door.decode(self._source, (record,), received_at=now)
        if meant.bad:
            _refuse(meant.bad[0].error)
        batch = Batch(records=(record,), part=_PART, position=None)
        self._door.accept(self._source, batch, now=now)


def _refuse(error: BadRecordError) -> NoReturn:
    """A person is told at once what was wrong; nothing goes to quarantine."""
    raise QueryError(f"{error.column} = {error.value!r}: {error.rule}") from error
