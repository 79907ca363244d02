"""Windows of days: local, beginning at midnight, today being one of them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pipelines.desk.board import WINDOWS
from pipelines.figures.windows import bounds, days_of, midnight
from tests.builders import NINE

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize("window", WINDOWS)
def test_a_window_begins_at_a_local_midnight_and_today_is_one_of_its_days(window: str) -> None:
    begin, end = bounds(window, NINE, SHANGHAI)

    assert begin is not None
    local = begin.astimezone(SHANGHAI)
    assert (local.hour, local.minute) == (0, 0)
    if window == "yesterday":
        assert end == midnight(NINE, SHANGHAI)
    else:
        today = NINE.astimezone(SHANGHAI).date()
        assert (today - local.date()).days == days_of(window) - 1
        assert end is None


def test_all_is_unbounded() -> None:
    assert bounds("all", NINE, SHANGHAI) == (None, None)


@pytest.mark.parametrize(("written", "days"), [("30d", 30), ("48h", 2), ("today", 1)])
def test_a_window_is_as_long_as_it_is_written(written: str, days: int) -> None:
    assert days_of(written) == days


def test_a_day_on_which_the_clocks_change_has_23_hours_or_25() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    spring, autumn = datetime(2026, 3, 29, 12, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC)

    lengths = [midnight(d, berlin, ago=-1) - midnight(d, berlin) for d in (spring, autumn)]

    assert lengths == [timedelta(hours=23), timedelta(hours=25)]
