"""What records mean, before any of it is stored: decoded, and placed where that can be said."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

from pipelines.connectors.record import Record, content_of
from pipelines.decoders.decoder import Meaning
from pipelines.door.storable import check
from pipelines.door.taps import checked_taps
from pipelines.errors import BadRecordError
from pipelines.feeds.replay import seen
from pipelines.feeds.sources import Source
from pipelines.geo.gazetteer import Gazetteer
from pipelines.geo.history import GridHistory
from pipelines.geo.placing import without_position
from pipelines.model.device import Signal
from pipelines.model.fact import Statement
from pipelines.model.remark import Remark
from pipelines.registers.devices import Register
from pipelines.registers.whereabouts import checked_positions


@dataclass(frozen=True, slots=True)
class Bad:
    """A record for the quarantine, with its error."""

    record: Record
    error: BadRecordError
    content: bytes


class Decoded(NamedTuple):
    """What records mean: statements about incidents, signals of devices, notes, and nonsense."""

    said: list[tuple[Record, Statement]]
    bad: list[Bad]
    signals: list[tuple[Record, Signal]]
    remarks: tuple[tuple[Record, Remark], ...] = ()


class Interpreter:
    """Decodes records, and gives what they say a place by register and gazetteer."""

    def __init__(self, grids: GridHistory, register: Register, gazetteer: Gazetteer) -> None:
        self._grids = grids
        self._register = register
        self._gazetteer = gazetteer

    def decode(
        self, source: Source, records: Iterable[Record], *, received_at: datetime
    ) -> Decoded:
        """What each record would become, in WGS-84, with every doubt; stores nothing."""
        said: list[tuple[Record, Statement]] = []
        signals: list[tuple[Record, Signal]] = []
        bad: list[Bad] = []
        remarks: list[tuple[Record, Remark]] = []
        for record in records:
            try:
                meant = source.decoder.decode(record, source=source.id, received_at=received_at)
                check(record, meant)
            except BadRecordError as error:
                bad.append(Bad(record, error, content_of_bad(record)))
                continue
            if isinstance(meant, Meaning):
                said.extend((record, seen(s, record.horizon)) for s in meant.statements)
                signals.extend((record, signal) for signal in meant.signals)
                remarks.extend((record, remark) for remark in meant.remarks)
                bad.extend(Bad(record, e, content_of_bad(record)) for e in meant.problems)
            else:
                said.append((record, seen(meant, record.horizon)))
        signals, astray = checked_positions(signals, self._grids, source.to_wgs84)
        bad.extend(Bad(record, error, content_of_bad(record)) for record, error in astray)
        placed_said = self._checked_places(source, said)
        placed_said = checked_taps(placed_said, self._grids, source.to_wgs84)
        if len(self._register):
            placed_said = [(record, self._register.placed(s)) for record, s in placed_said]
        if len(self._gazetteer):
            placed_said = [(record, self._gazetteer.placed(s)) for record, s in placed_said]
        return Decoded(placed_said, bad, signals, tuple(remarks))

    def _checked_places(
        self, source: Source, said: Sequence[tuple[Record, Statement]]
    ) -> list[tuple[Record, Statement]]:
        at = [i for i, (_, s) in enumerate(said) if s.place is not None and s.place.has_position]
        points = [(said[i][1].place.lat, said[i][1].place.lon) for i in at]  # type: ignore[union-attr]
        checked = list(said)
        converted = source.to_wgs84(points) if source.to_wgs84 and points else points  # type: ignore[arg-type]
        for i, point, moved in zip(at, points, converted, strict=True):
            record, statement = said[i]
            # zero is missing in every coordinate system; the rest is judged in degrees
            doubt = self._grids.doubt(*(moved if any(point) else point))  # type: ignore[arg-type]
            if doubt is not None:
                checked[i] = (record, without_position(statement, doubt))
            elif moved is not point:
                place = statement.place._replace(lat=moved[0], lon=moved[1])  # type: ignore[union-attr]
                checked[i] = (record, statement._replace(place=place))
        return checked


def digest_of(content: bytes) -> bytes:
    """What something kept is found by again."""
    return blake2b(content, digest_size=16).digest()


def content_of_bad(record: Record) -> bytes:
    """By what a record that cannot be read is known again."""
    # a record without bytes (a file that breaks off) is told from others by where it is
    return content_of(record) if record.raw else digest_of(str(record.origin).encode())
