"""What was removed after its term, in the audit log; and the log's own term."""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime

from dashboard.access.audit import Act
from dashboard.access.engine import kept_at
from dashboard.access.keeper import Keeper
from pipelines.settings import Settings
from pipelines.upkeep.retention import Purge

BY = "grid135"


def recorded(settings: Settings, by: str = BY) -> Callable[[Purge, datetime], None]:
    """What writes down each purge, and cuts the audit log where it is past its own term.

    A purge that removed nothing is no entry.
    """

    def record(removed: Purge, now: datetime) -> None:
        with closing(Keeper(kept_at(settings))) as keeper:
            if removed.anything:
                keeper.audit.add(Act.PURGED, who=by, now=now, detail=removed.as_dict())
            if settings.privacy.keep_audit is not None:
                keeper.audit.trim(now=now, kept=settings.privacy.keep_audit)

    return record
