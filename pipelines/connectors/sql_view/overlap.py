"""How far a view has been read, and which of its rows a look back would find again.

A row becomes visible when its transaction ends, not at the time in its cursor column. So each
poll looks back by an overlap, and the rows that were handed over already are passed over.
"""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

KEPT = 20_000
"""Digests written into a position. Rows beyond are read again after a restart, not lost."""

_DIGEST_BYTES = 9  # 12 letters of base64, without padding
_LETTERS = 12
_AHEAD = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - stands for a time without a zone


def digest_of(raw: bytes) -> bytes:
    """What a row is known by."""
    return blake2b(raw, digest_size=_DIGEST_BYTES).digest()


class Memory:
    """The rows of one query that were handed over, as far back as the overlap goes.

    ``newest`` is the latest believable time of the cursor column, ``rows`` how many rows were
    handed over so far. A row whose own time cannot be believed is remembered for good.
    """

    def __init__(self, newest: datetime | None = None, rows: int = 0) -> None:
        self.newest = newest
        self.rows = rows
        self._known: set[bytes] = set()
        self._by_time: dict[datetime | None, list[bytes]] = {}

    @classmethod
    def load(cls, text: str | None) -> "Memory":
        """What a stored position says."""
        if text is None:
            return cls()
        stored = json.loads(text)
        newest = stored["newest"] and datetime.fromisoformat(stored["newest"])
        memory = cls(newest, stored["rows"])
        for at, letters in stored["seen"].items():
            for digest in _cut(letters):
                memory._add(datetime.fromisoformat(at) if at else None, digest)
        return memory

    def dump(self) -> str:
        """The position to store: the newest digests only, so that it stays small."""
        seen: dict[str, str] = {}
        room = KEPT
        for at in sorted(self._by_time, key=_late_first, reverse=True):
            digests = self._by_time[at][-room:] if room else []
            room -= len(digests)
            if digests:
                letters = base64.b64encode(b"".join(digests)).decode()
                seen[at.isoformat() if at else ""] = letters
        newest = self.newest and self.newest.isoformat()
        return json.dumps({"newest": newest, "rows": self.rows, "seen": seen})

    def knows(self, digest: bytes) -> bool:
        """True when the row was handed over and is still within the overlap."""
        return digest in self._known

    def learn(self, at: datetime | None, digest: bytes, *, now: datetime) -> None:
        """Remember a row that is handed over; ``at`` is what its cursor column says."""
        at = at if at is not None and _believable(at, now) else None
        if at is not None and (self.newest is None or at > self.newest):
            self.newest = at
        self.rows += 1
        self._add(at, digest)

    def forget(self, overlap: timedelta) -> None:
        """Let go of what lies before the overlap."""
        start = self.start(overlap)
        if start is None:
            return
        for at in [at for at in self._by_time if at is not None and at < start]:
            self._known.difference_update(self._by_time.pop(at))

    def start(self, overlap: timedelta) -> datetime | None:
        """Where the next poll begins to read; None when it begins at the beginning."""
        return None if self.newest is None else self.newest - overlap

    def _add(self, at: datetime | None, digest: bytes) -> None:
        self._known.add(digest)
        self._by_time.setdefault(at, []).append(digest)


def _cut(letters: str) -> Iterator[bytes]:
    for i in range(0, len(letters), _LETTERS):
        yield base64.b64decode(letters[i : i + _LETTERS])


def _late_first(at: datetime | None) -> tuple[bool, datetime]:
    """Rows without a believable time come first: they are read again at every poll."""
    if at is None:
        return True, _EPOCH
    return False, at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at


def _believable(at: datetime, now: datetime) -> bool:
    """False for a placeholder such as 9999-12-31, behind which no row would ever be found."""
    # the zone of a time without one is within the day that is allowed for clocks
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) <= now + _AHEAD
