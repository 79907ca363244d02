"""Masking what may name a person, before a text leaves the server.

The usual masks (GB/T 35273): a mobile number keeps its first three and last four digits, an
identity number its first six and last four, a name its surname. A text that a source puts such a
thing into, a title or an address, is masked for everybody who looks; the store keeps it as
received. Single values are revealed, with a reason, by :mod:`pipelines.desk.reveal`.

How much is left depends on who looks (:mod:`pipelines.privacy.clearance`). On a wall, which
everybody in the room reads, addresses end before the flat. Of a sensitive kind a wall and a viewer
get no words and no place; a supervisor gets its words, masked, and its street.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, overload

from pipelines.privacy.clearance import LEAST, Clearance, Role
from pipelines.privacy.personal_names import names_masked
from pipelines.snapshot import DeviceAlarm, OpenIncident, Snapshot

_GAP = r"[-\s.]?"
_START = r"(?<!\d)(?<!\d\.)"
_MOBILE = r"[1１][3-9３-９]\d"


class Secret(StrEnum):
    """What is masked, and may be revealed one at a time."""

    PHONE = "phone"
    IDENTITY = "identity"
    ACCOUNT = "account"
    MAIL = "mail"
    NAME = "name"
    ADDRESS = "address"
    """The exact place of a sensitive kind."""


class Spot(NamedTuple):
    """One masked value: what it is, what it says, and what stands for it."""

    what: Secret
    value: str
    mask: str


_RULES: tuple[tuple[Secret, re.Pattern[str], str], ...] = (
    # 18 digits with a check character, or the 15 of the first generation
    (
        Secret.IDENTITY,
        re.compile(rf"{_START}(\d{{6}})\d{{8}}(\d{{3}}[\dXxＸｘ])(?!\d)"),
        r"\1********\2",
    ),
    (
        Secret.PHONE,
        re.compile(rf"{_START}({_MOBILE}){_GAP}\d{{4}}{_GAP}(\d{{4}})(?!\d)"),
        r"\1****\2",
    ),
    (
        Secret.PHONE,
        re.compile(rf"{_START}((?:\+|00)86{_GAP}{_MOBILE}){_GAP}\d{{4}}{_GAP}(\d{{4}})(?!\d)"),
        r"\1****\2",
    ),
    (
        Secret.PHONE,
        re.compile(rf"{_START}(0\d{{2,3}})([-\s]?)\d{{5,6}}(\d{{2}})(?!\d)"),
        r"\1\2******\3",
    ),
    # an account or card, or anything else that long
    (Secret.ACCOUNT, re.compile(rf"{_START}\d{{9,15}}(\d{{4}})(?!\d)"), r"******\1"),
    (Secret.MAIL, re.compile(r"([\w.+-])[\w.+-]*(@[\w-]+(?:\.[\w-]+)+)"), r"\1***\2"),
)
_FLAT = re.compile(
    r"(?:[0-9０-９]{1,2}\s*单元)?\s*[0-9０-９A-Za-z]{1,5}\s*(?:室|户|号房)|[0-9０-９]{1,2}\s*单元"
    # 3-2-1501: building, entrance, flat; a date has a longer first number
    r"|(?<=[0-9])-[0-9]{1,2}-[0-9]{3,4}(?![0-9-])"
    r"|,?\s*(?:(?:apt|apartment|unit|suite|flat|room)\b\.?\s*|#\s*)[0-9A-Za-z-]{1,6}\b",
    re.IGNORECASE,
)
_EPOCH_MS_DIGITS = 13
_SAME_DAY_S = 86_400
_NUMBERED = re.compile(r"[0-9０-９#]")


@overload
def masked(text: str) -> str: ...
@overload
def masked(text: None) -> None: ...
def masked(text: str | None) -> str | None:
    """The text with every phone, identity and account number, mail address and name masked."""
    return None if text is None else _masked(text, None)


def masked_record(text: str, moments: Collection[datetime]) -> str:
    """A record as received, masked, but for the times that it was sent with.

    A device sends them as milliseconds since 1970, which look like an account: 13 digits within a
    day of one of the ``moments`` that the record was read to say, or was received at, are a time.
    """
    return _masked(text, None, moments)


def spots(text: str, moments: Collection[datetime] = ()) -> list[Spot]:
    """What :func:`masked`, or with ``moments`` :func:`masked_record`, masks of the text."""
    found: list[Spot] = []
    _masked(text, found.append, moments)
    return found


def _masked(
    text: str, note: Callable[[Spot], None] | None, moments: Collection[datetime] = ()
) -> str:
    for what, pattern, mask in _RULES:
        text = _replaced(text, what, pattern, mask, note, moments)
    if note is None:
        return names_masked(text)
    return names_masked(text, lambda name, mask: note(Spot(Secret.NAME, name, mask)))


def _replaced(
    text: str,
    what: Secret,
    pattern: re.Pattern[str],
    mask: str,
    note: Callable[[Spot], None] | None,
    moments: Collection[datetime],
) -> str:
    times = moments if what is Secret.ACCOUNT else ()

    def hide(found: re.Match[str]) -> str:
        if times and _is_time(found[0], times):
            return found[0]
        left = found.expand(mask)
        if note is not None:
            note(Spot(what, found[0], left))
        return left

    return pattern.sub(mask if note is None and not times else hide, text)


def _is_time(digits: str, moments: Collection[datetime]) -> bool:
    """Whether digits are milliseconds since 1970, close to one of the moments."""
    if len(digits) != _EPOCH_MS_DIGITS:
        return False
    said = int(digits) / 1000
    return any(abs(said - moment.timestamp()) <= _SAME_DAY_S for moment in moments)


@overload
def without_flat(text: str) -> str: ...
@overload
def without_flat(text: None) -> None: ...
def without_flat(text: str | None) -> str | None:
    """An address or a title up to the building: 3幢2单元1501室 becomes 3幢."""
    return None if text is None else _FLAT.sub("", text).strip()


def street_of(address: str | None) -> str | None:
    """An address up to its first number; None when nothing is left of it."""
    return None if address is None else _NUMBERED.split(address, maxsplit=1)[0].strip() or None


def on_a_wall(snapshot: Snapshot, sensitive: Iterable[str]) -> Snapshot:
    """The snapshot as everybody in the room may see it.

    Of a ``sensitive`` kind only kind, grid and clocks are left: no words, and no exact place.
    """
    hidden = frozenset(sensitive)
    complaints = snapshot.complaints
    if complaints is not None:
        complaints = replace(complaints, rows=_all_shown(complaints.rows, hidden))
    devices = snapshot.devices
    if devices is not None:
        alarms, troubles = _without_flats(devices.alarms), _without_flats(devices.troubles)
        devices = replace(devices, alarms=alarms, troubles=troubles)
    critical = tuple(
        replace(one, incident=_shown(one.incident, one.incident.kind in hidden))
        for one in snapshot.critical
    )
    return replace(
        snapshot,
        open=_all_shown(snapshot.open, hidden),
        complaints=complaints,
        devices=devices,
        critical=critical,
    )


def _all_shown(
    incidents: Iterable[OpenIncident], hidden: frozenset[str]
) -> tuple[OpenIncident, ...]:
    return tuple(_shown(incident, incident.kind in hidden) for incident in incidents)


def _shown(incident: OpenIncident, is_hidden: bool) -> OpenIncident:
    if is_hidden:
        return replace(incident, title=None, address=None, lat=None, lon=None)
    title, address = masked(incident.title), masked(incident.address)
    return replace(incident, title=without_flat(title), address=without_flat(address))


def _without_flats(alarms: Iterable[DeviceAlarm]) -> tuple[DeviceAlarm, ...]:
    """Smoke alarms hang in the flats of people who live alone."""
    return tuple(
        replace(
            alarm,
            place=without_flat(masked(alarm.place)),
            names={lang: masked(name) for lang, name in alarm.names.items()},
        )
        for alarm in alarms
    )


def in_rows(
    row: Mapping[str, Any], sensitive: Iterable[str], clearance: Clearance = LEAST
) -> dict[str, Any]:
    """A row of the list behind a figure, as ``clearance`` may see it."""
    is_sensitive = row["kind"] in frozenset(sensitive)
    title, address = words(row["title"], row["address"], is_sensitive, clearance)
    shown = {**row, "title": title, "address": address}
    return {**shown, "lat": None, "lon": None} if is_sensitive else shown


def words(
    title: str | None, address: str | None, is_sensitive: bool, clearance: Clearance
) -> tuple[str | None, str | None]:
    """Title and address of an incident, as ``clearance`` may read them."""
    if is_sensitive and not clearance.sees_sensitive:
        return None, None
    if is_sensitive:
        return without_flat(masked(title)), street_of(masked(address))
    if not clearance.role.may(Role.VIEWER):
        return without_flat(masked(title)), without_flat(masked(address))
    return masked(title), masked(address)
