"""A JSON object as flat columns of text, for every connector that is given JSON."""

import json
from collections.abc import Callable, Mapping
from typing import Any

BETWEEN = ", "
_DEEPEST = 32
_NAME_MOST = 1000


def decoder(
    pairs: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None,
) -> json.JSONDecoder:
    """A reader of JSON that leaves numbers as they were written; ``pairs`` makes the objects."""
    return json.JSONDecoder(
        parse_float=str, parse_int=str, parse_constant=_nothing, object_pairs_hook=pairs
    )


def columns(value: Any) -> dict[str, str]:
    """The record as flat columns of text; raise ValueError when it cannot be.

    ``{"a": {"b": 1}}`` is column ``a.b``. A column holds every value at its path: the elements of
    a list are joined, and so are those of a list of objects. Numbers are text as they were
    written, booleans ``true`` and ``false``, null and empty lists the empty text.
    """
    if not isinstance(value, dict):
        raise ValueError("is not a JSON object")
    found: dict[str, list[str]] = {}
    _collect(value, "", found, _DEEPEST)
    flat = {name: BETWEEN.join(filter(None, texts)) for name, texts in found.items()}
    if _is_broken("".join([*flat, *flat.values()])):
        raise ValueError("holds half a character (a lone surrogate)")
    return flat


def _collect(value: Any, name: str, found: dict[str, list[str]], depth: int) -> None:
    if isinstance(value, str):
        found.setdefault(name, []).append(value)
    elif value is None or isinstance(value, bool):
        found.setdefault(name, []).append("" if value is None else str(value).lower())
    elif depth == 0:
        raise ValueError(f"is nested deeper than {_DEEPEST} levels")
    elif len(name) > _NAME_MOST:  # it would be repeated for each name below it
        raise ValueError(f"has a name longer than {_NAME_MOST} characters")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            _collect(inner, f"{name}.{key}" if name else key, found, depth - 1)
        if not value and name:
            found.setdefault(name, [])
    else:
        if not value:
            found.setdefault(name, [])
        for inner in value:
            _collect(inner, name, found, depth - 1)


def _is_broken(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text)


def _nothing(_: str) -> None:
    """NaN and Infinity are not JSON, but some services write them for an empty number."""
