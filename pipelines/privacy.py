"""Masking what may name a person, before a text leaves the server.

The usual masks (GB/T 35273): a mobile number keeps its first three and last four digits, an
identity number its first six and last four. A text that a source puts such a number into, a title
or an address, is masked for everybody who looks; the store keeps it as received.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, overload

from pipelines.snapshot import OpenIncident, Snapshot

_GAP = r"[-\s.]?"
_START = r"(?<!\d)(?<!\d\.)"
_MOBILE = r"[1１][3-9３-９]\d"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # 18 digits with a check character, or the 15 of the first generation
    (re.compile(rf"{_START}(\d{{6}})\d{{8}}(\d{{3}}[\dXxＸｘ])(?!\d)"), r"\1********\2"),
    (
        re.compile(rf"{_START}({_MOBILE}){_GAP}\d{{4}}{_GAP}(\d{{4}})(?!\d)"),
        r"\1****\2",
    ),
    (
        re.compile(rf"{_START}((?:\+|00)86{_GAP}{_MOBILE}){_GAP}\d{{4}}{_GAP}(\d{{4}})(?!\d)"),
        r"\1****\2",
    ),
    (re.compile(rf"{_START}(0\d{{2,3}})([-\s]?)\d{{5,6}}(\d{{2}})(?!\d)"), r"\1\2******\3"),
    # an account or card, or anything else that long
    (re.compile(rf"{_START}\d{{9,15}}(\d{{4}})(?!\d)"), r"******\1"),
    (re.compile(r"([\w.+-])[\w.+-]*(@[\w-]+(?:\.[\w-]+)+)"), r"\1***\2"),
)


@overload
def masked(text: str) -> str: ...
@overload
def masked(text: None) -> None: ...
def masked(text: str | None) -> str | None:
    """The text with every phone, identity and account number and mail address masked."""
    if text is None:
        return None
    for pattern, mask in _RULES:
        text = pattern.sub(mask, text)
    return text


def on_a_wall(snapshot: Snapshot, sensitive: Iterable[str]) -> Snapshot:
    """The snapshot as everybody in the room may see it.

    Of a ``sensitive`` kind only kind, grid and clocks are left: no words, and no exact place.
    """
    hidden = frozenset(sensitive)
    complaints = snapshot.complaints
    if complaints is not None:
        complaints = replace(complaints, rows=_all_shown(complaints.rows, hidden))
    critical = tuple(
        replace(one, incident=_shown(one.incident, one.incident.kind in hidden))
        for one in snapshot.critical
    )
    return replace(
        snapshot,
        open=_all_shown(snapshot.open, hidden),
        complaints=complaints,
        critical=critical,
    )


def _all_shown(
    incidents: Iterable[OpenIncident], hidden: frozenset[str]
) -> tuple[OpenIncident, ...]:
    return tuple(_shown(incident, incident.kind in hidden) for incident in incidents)


def _shown(incident: OpenIncident, is_hidden: bool) -> OpenIncident:
    if is_hidden:
        return replace(incident, title=None, address=None, lat=None, lon=None)
    return replace(incident, title=masked(incident.title), address=masked(incident.address))


def in_rows(row: Mapping[str, Any], sensitive: Iterable[str]) -> dict[str, Any]:
    """A row of the list behind a figure, as a viewer may see it."""
    if row["kind"] in frozenset(sensitive):
        return {**row, "title": None, "address": None, "lat": None, "lon": None}
    return {**row, "title": masked(row["title"]), "address": masked(row["address"])}
