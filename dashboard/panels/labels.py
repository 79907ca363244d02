"""What every page says of itself when it does not show the real street."""

from collections.abc import Iterable

from dashboard.elements import html
from dashboard.text import Say


def honest_labels(labels: Iterable[str], say: Say) -> list[html.Span]:
    """A label each: 合成数据, 示意网格."""
    return [html.Span(say(f"header.{label}"), className="label") for label in labels]
