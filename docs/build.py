"""Writes the generated pages of docs/ from the code: ``python docs/build.py [--check]``."""

import sys
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from types import NoneType
from typing import Any, get_args

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pydantic.fields import FieldInfo  # noqa: E402 - the project is on the path only now

from pipelines.connectors import CONNECTORS  # noqa: E402
from pipelines.decoders import DECODERS  # noqa: E402
from pipelines.feeds.sources import SourceSettings  # noqa: E402
from pipelines.kpis import KPIS  # noqa: E402
from pipelines.kpis.handling import HANDLING  # noqa: E402
from pipelines.kpis.ledger import REASONS, VERDICTS  # noqa: E402
from pipelines.reading.options import Options  # noqa: E402
from pipelines.settings import Settings  # noqa: E402

HEAD = """# Configuration

Written from the code by `make docs`; do not edit. One TOML file holds everything; name it with
`--config` or `GRID135_CONFIG` (default `config/demo.toml`). Paths in it are relative to the file.
`python app.py check --config F` says whether it is right, without starting anything.

| variable | what it sets |
|---|---|
| `GRID135_CONFIG` | the config file |
| `GRID135_DATA` | the folder that keeps all state (default `./data`) |
| `GRID135_STORE` | the URL of the store's database; it wins over `[store]` |
| `GRID135_HOST`, `GRID135_PORT` | where the screens are served; they win over `[server]` |
| `GRID135_METRICS_PORT` | where `app.py ingest` answers `/metrics`; wins over `[metrics]` |
| named by a source | its secret, where a block names a variable (`auth.secret`, `password`) |

A duration is written `"90s"`, `"5m"`, `"2h"` or `"7d"`. A name is one text, or one a language:
`{ zh = "火警", en = "Fire" }`.
"""


KPI_HEAD = """# Figures

Written from the code by `make docs`; do not edit. The keys are those of `app.py kpi --json` and
`GET /api/v1/kpi`; every figure is of one milestone (`accepted`, `dispatched`, `arrived`) in one
reading. *Cumulative* (累计) measures from t0, the report; *staged* (分段) each stage from the end
of the one before. A figure with nothing to measure is `null`, never 0 or 1.

Eligible is who demanded an emergency response from outside, by the class at dispatch time, inside
the area. An incident without a usable position counts, in the row `not_on_map`.

An incident that was closed after the target without the milestone could be read as late or as
unknown. It is decided by how it was closed: *cancelled* after the target is a miss, for nobody had
come while there was time; *resolved* after it is unknown, for somebody handled it and only the
stamp is missing. Both stay in sight: the unknown in `low`, `high` and `coverage`, and `/lab` counts
them either way.

A case that is handed back (退单) and sent on keeps its t0 and its first dispatch. It counts as
returned from the moment that is stated, and where none is, from the latest stamp of the record that
says so.

Percentiles are nearest-rank over pooled cases; the interval is Wilson's (1927).
"""


def pages() -> dict[Path, str]:
    """Every generated page and what it should hold."""
    return {
        ROOT / "docs" / "configuration.md": "\n".join(_configuration()),
        ROOT / "docs" / "kpis.md": "\n".join(_kpis()),
    }


def _kpis() -> Iterator[str]:
    yield KPI_HEAD
    yield "| id | name | definition | unit | better |\n|---|---|---|---|---|"
    for kpi in KPIS:
        yield f"| `{kpi.id}` | {kpi.name} | {kpi.definition} | {kpi.unit} | {kpi.better} |"
    yield "\n## Of one grid\n\nOn its page, over 90 days; without drills, what is scheduled,"
    yield "merged into another incident, or elsewhere.\n"
    yield "| id | name | definition | unit | better |\n|---|---|---|---|---|"
    for own in HANDLING:
        yield f"| `{own.id}` | {own.name} | {own.definition} | {own.unit} | {own.better} |"
    yield "\n## Verdicts\n\nOf one target of one incident, as of a moment.\n"
    yield "| verdict | meaning |\n|---|---|"
    yield from (f"| `{verdict}` | {meaning} |" for verdict, meaning in VERDICTS.items())
    yield "\n## The ledger\n\nWho is left out, each counted by reason.\n"
    yield "| reason | meaning |\n|---|---|"
    yield from (f"| `{reason}` | {meaning} |" for reason, meaning in REASONS.items())
    yield ""


def _configuration() -> Iterator[str]:
    yield HEAD
    blocks = {
        n: f for n, f in Settings.model_fields.items() if n not in ("file", "data", "sources")
    }
    for name, field in blocks.items():
        model = _model(field.annotation)
        if model is not None:
            shown = f"[{name}.<code>]" if name == "kinds" else f"[{name}]"
            yield from _section(f"`{shown}`", model)
    yield from _section("`[sources.<id>]`", SourceSettings)
    for name, connector in CONNECTORS.items():
        title = f'`[sources.<id>.connector]`, `type = "{name}"`'
        yield from _section(title, connector.options)
    for name, decoder in DECODERS.items():
        yield from _section(f'`[sources.<id>.decoder]`, `type = "{name}"`', decoder.options)


def _section(title: str, model: type[Options], level: int = 2) -> Iterator[str]:
    yield f"{'#' * level} {title}\n\n{cleandoc(model.__doc__ or '')}\n"
    yield "| key | default | what it is |\n|---|---|---|"
    inner: dict[str, type[Options]] = {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        yield f"| `{key}` | {_default(field)} | {field.description} |"
        below = _model(field.annotation)
        if below is not None and below.__name__ != "Names":
            inner[key] = below
    yield ""
    for key, below in inner.items():
        yield from _section(f"`{key}`", below, level + 1)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "(required)"
    value = field.default
    if value is None:
        return ""
    if isinstance(value, Options):
        return "as below"
    return f"`{_written(value)}`".replace("|", "\\|")


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_written(item) for item in value) + "]"
    if hasattr(value, "total_seconds"):
        return f'"{value.total_seconds():g}s"'
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float | dict) else f'"{value}"'


def _model(annotation: Any) -> type[Options] | None:
    """The block a field holds, be it alone, optional, or by key."""
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and part is not NoneType and issubclass(part, Options):
            return part
    return None


def main() -> int:
    """Write the pages, or with ``--check`` say which are stale."""
    stale = [p for p, text in pages().items() if not p.exists() or p.read_text("utf-8") != text]
    if "--check" in sys.argv:
        for page in stale:
            print(f"{page.relative_to(ROOT)} is stale: run make docs")
        return 1 if stale else 0
    for page, text in pages().items():
        page.write_text(text, "utf-8")
        print(f"wrote {page.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
