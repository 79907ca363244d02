"""The points in an incident's life that a clock can start or stop at."""

from enum import StrEnum


class Milestone(StrEnum):
    """A named moment in the 135 loop (KPI contract, section 1)."""

    REPORTED = "reported"
    """报警/报事: first demand known at the source; the citizen's clock starts here."""
    RECEIVED = "received"
    """接入: first record of it reached this system."""
    ACCEPTED = "accepted"
    """接报: the command centre took it."""
    DISPATCHED = "dispatched"
    """流转: first unit or department told to go."""
    EN_ROUTE = "en_route"
    """出动: first unit moving."""
    ARRIVED = "arrived"
    """到场: first qualifying unit on scene."""
    RESOLVED = "resolved"
    """办结: handled."""
    CANCELLED = "cancelled"
    """撤销: withdrawn, false, no response needed."""
    RETURNED = "returned"
    """退单: handed back by whoever it had been sent to. No clock starts or stops at it."""


TARGETED = (Milestone.ACCEPTED, Milestone.DISPATCHED, Milestone.ARRIVED)
"""The three milestones of the 135 loop, in order."""

PREDECESSOR = {
    Milestone.DISPATCHED: Milestone.ACCEPTED,
    Milestone.ARRIVED: Milestone.DISPATCHED,
}
"""Where the staged reading of a target starts; the first stage starts at t0."""
