"""Every sentence a person reads, by language: ``say("open.more", n=3)``."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pipelines.snapshot import Names

LANGUAGES = ("zh", "en")
"""The languages a view can have; a language is one file beside this one."""
DEFAULT_LANGUAGE = "zh"
FALLBACK_LANGUAGE = "en"
"""What stands in until a translation arrives."""

Texts = Mapping[str, str]


class Say:
    """Looks sentences up in one language.

    A sentence may have forms ``key.one`` and ``key.other``, chosen by its placeholder ``n``.
    """

    def __init__(self, language: str, texts: Texts, fallback: Texts) -> None:
        self.language = language
        self._texts = texts
        self._fallback = fallback

    def __call__(self, key: str, /, **values: object) -> str:
        """The sentence for ``key`` with its placeholders filled in.

        Raises KeyError when no language has it: that is a mistake in the code.
        """
        return self._template(key, values.get("n")).format(**values)

    def name(self, names: Names) -> str:
        """The name in this language, of something that is named in the configuration."""
        return names.get(self.language) or names[FALLBACK_LANGUAGE]

    def template(self, key: str) -> str:
        """The sentence with its placeholders left in, for the browser to fill."""
        return self._template(key, None)

    def group(self, prefix: str) -> dict[str, str]:
        """All templates below ``prefix``, by the rest of their key."""
        keys = {k for k in (*self._fallback, *self._texts) if k.startswith(prefix + ".")}
        return {k.removeprefix(prefix + "."): self.template(k) for k in sorted(keys)}

    def _template(self, key: str, n: object) -> str:
        form = f"{key}.one" if n in (1, "1") else f"{key}.other"
        for texts in (self._texts, self._fallback):
            for candidate in (form, key, f"{key}.other"):
                if candidate in texts:
                    return texts[candidate]
        raise KeyError(key)


@cache
def load(language: str) -> Texts:
    """The sentences of one language, flat: ``{"open.title": …}``."""
    path = Path(__file__).with_name(f"{language}.toml")
    return dict(_flatten(tomllib.loads(path.read_text("utf-8"))))


@cache
def say_in(language: str) -> Say:
    """The speaker of one language."""
    return Say(language, load(language), load(FALLBACK_LANGUAGE))


def _flatten(table: Mapping[str, object], prefix: str = "") -> list[tuple[str, str]]:
    flat: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat.extend(_flatten(value, f"{prefix}{key}."))
        else:
            flat.append((prefix + key, str(value)))
    return flat
