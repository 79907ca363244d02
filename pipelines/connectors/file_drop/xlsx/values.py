"""What a cell says, as text: numbers without float noise, and Excel's days as dates."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from math import isfinite

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,19}")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
# what is said in a number format that is no directive: "text", \x, [Red], [$-804], padding
_ASIDE = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|[_*].')
_LAST_DAY = 2_958_465  # 9999-12-31
_DAYS_1904 = 1462  # by how many days that system begins later


class Shown(StrEnum):
    """How a number format shows a number."""

    NUMBER = "number"
    MOMENT = "moment"
    DATE = "date"
    TIME = "time"


# ECMA-376 18.8.30, with the formats that only Chinese Excel has by number (27-36, 50-58)
BUILT_IN = (
    dict.fromkeys((14, 15, 16, 17, *range(27, 32), 36, *range(50, 55), 57, 58), Shown.DATE)
    | dict.fromkeys((18, 19, 20, 21, *range(32, 36), 45, 46, 47, 55, 56), Shown.TIME)
    | {22: Shown.MOMENT}
)


def shown_by(code: str) -> Shown:
    """How a number format shows a number: ``yyyy"年"m"月"`` is a date, ``0.00`` is not."""
    signs = set(_ASIDE.sub("", code.split(";")[0]).lower())
    if "general" in code.lower():
        return Shown.NUMBER
    has_time = bool(signs & {"h", "s"})
    if signs & {"y", "d"} or ("m" in signs and not has_time):
        return Shown.MOMENT if has_time else Shown.DATE
    return Shown.TIME if has_time else Shown.NUMBER


def number_text(value: str) -> str:
    """A stored number with the 15 digits that Excel shows: ``29.8``, never ``1.1E+17``."""
    value = value.strip()
    if _WHOLE.fullmatch(value):
        return value
    number = float(value)
    if not isfinite(number):
        raise ValueError(f"{value} is no number")
    text = format(Decimal(f"{number:.15g}"), "f")
    return "0" if text == "-0" else text


def moment_text(value: str, shown: Shown, *, is_1904: bool) -> str:
    """Excel's count of days as ISO local text; a number that is no date stays a number.

    A whole day is only a date when it is shown as one; less than a day is a time.
    """
    days = float(value)
    if not 0 <= days <= _LAST_DAY - _DAYS_1904 * is_1904:
        return number_text(value)
    seconds = round(days * 86_400)
    if shown is Shown.TIME and seconds < 86_400:
        return str(timedelta(seconds=seconds)).zfill(8)
    moment = _first_day(days, is_1904=is_1904) + timedelta(seconds=seconds)
    return str(moment.date()) if shown is Shown.DATE and seconds % 86_400 == 0 else str(moment)


def _first_day(days: float, *, is_1904: bool) -> datetime:
    if is_1904:
        return datetime(1904, 1, 1)  # noqa: DTZ001 - local text comes of it
    # Excel's 1900 has a 29 February, so days before March count from one day later
    return datetime(1899, 12, 30 if days >= 60 else 31)  # noqa: DTZ001 - local text comes of it


def unescaped(text: str) -> str:
    """Text with ``_x000D_`` and the like, as Excel writes control characters, as it was."""
    return _ESCAPED.sub(_sign, text) if "_x" in text else text


def _sign(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return match[0] if 0xD800 <= code < 0xE000 else chr(code)
