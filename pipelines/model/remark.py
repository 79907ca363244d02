"""What a person says at the console: about an incident, or about a shift.

A remark is kept beside the facts and never among them: it has no milestone, so it touches no clock
and no figure, however often an incident is folded anew.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Act(StrEnum):
    """What was said."""

    NOTED = "noted"
    """备注: a note about an incident, or about the shift."""
    PINNED = "pinned"
    """置顶: the incident is to be kept in view."""
    UNPINNED = "unpinned"
    """取消置顶."""
    HANDED_OVER = "handed_over"
    """交班: the shift's open items are handed to the next."""
    TAKEN_OVER = "taken_over"
    """接班: the next shift has seen them."""


ABOUT_INCIDENTS = frozenset({Act.NOTED, Act.PINNED, Act.UNPINNED})
ABOUT_SHIFTS = frozenset({Act.NOTED, Act.HANDED_OVER, Act.TAKEN_OVER})
_SHIFT = "shift/"


class Remark(NamedTuple):
    """One remark. ``subject`` is the id of an incident, or :func:`shift_subject` of a shift.

    ``person`` is who said it, by the name of the account; ``text`` may be empty where the act says
    all there is to say. ``content`` is a digest of the record: the same, sent again, is no second.
    """

    source: str
    subject: str
    act: Act
    person: str
    at: datetime
    recorded_at: datetime
    content: bytes
    text: str = ""


def shift_subject(begins: datetime) -> str:
    """What remarks about the shift that begins then are about."""
    return f"{_SHIFT}{begins:%Y-%m-%dT%H:%MZ}"
