"""The rules of the house: who may import whom, who may read the clock, how long a file may be.

A rule looks at one file and returns what breaks it. Each is first shown to be able to fail.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("pipelines", "dashboard", "benchmarks", "tests")
FILES = sorted(
    [*(f for folder in FOLDERS for f in (ROOT / folder).rglob("*.py")), *ROOT.glob("app.py")]
)
ASSETS = sorted(
    f for f in (ROOT / "assets").rglob("*") if f.suffix in {".js", ".css", ".json", ".svg"}
)
LONGEST_FILE = 500
DRAWING = {"dash", "plotly"}
GEOMETRY = {"geopandas", "pyogrio", "pyproj", "shapely"}
HOMELESS = {"common", "helper", "helpers", "misc", "util", "utils"}
CLOCK_READERS = {("datetime", "now"), ("datetime", "utcnow"), ("datetime", "today")} | {
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
}
NAMESPACES = ("www.w3.org/",)
"""XML namespaces look like addresses, but nothing is fetched from them."""

Rule = Callable[[str, str], list[str]]


def imports(text: str) -> Iterator[str]:
    """The full names of all modules a file imports, at any depth."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")
            yield from (f"{'.' * node.level}{node.module or ''}.{a.name}" for a in node.names)


def calls(text: str) -> Iterator[tuple[str, str]]:
    """All calls of the form ``owner.name()``, as (last part of the owner, name)."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name | ast.Attribute):
                yield (owner.id if isinstance(owner, ast.Name) else owner.attr), node.func.attr


def top(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


def imports_point_one_way(path: str, text: str) -> list[str]:
    """dashboard → pipelines, never back; only app.py, tests and benchmarks see both."""
    banned = {
        "pipelines": {"dashboard", "app", "tests", "benchmarks"} | DRAWING,
        "dashboard": {"app", "tests", "benchmarks"},
    }.get(path.split("/")[0], set())
    return [m for m in imports(text) if top(m) in banned]


def imports_are_absolute(path: str, text: str) -> list[str]:
    """A relative import hides which part of the house it reaches into."""
    return [m for m in imports(text) if m.startswith(".")]


def the_model_stands_alone(path: str, text: str) -> list[str]:
    """pipelines/model uses the standard library and itself."""
    if not path.startswith("pipelines/model/"):
        return []
    return [
        m
        for m in imports(text)
        if top(m) not in sys.stdlib_module_names and not m.startswith("pipelines.model")
    ]


def figures_are_made_of_the_model(path: str, text: str) -> list[str]:
    """pipelines/kpis goes from a tally to a value and needs nothing else."""
    if not path.startswith("pipelines/kpis/"):
        return []
    ours = ("pipelines.model", "pipelines.kpis")
    return [
        m
        for m in imports(text)
        if top(m) not in sys.stdlib_module_names and m != "pipelines" and not m.startswith(ours)
    ]


def geometry_stays_in_its_room(path: str, text: str) -> list[str]:
    """The heavy geometry libraries are imported in pipelines/geo only.

    The demo street's geography is drawn with them, once and not while the product runs.
    """
    if path.startswith(("pipelines/geo/", "pipelines/demo/geography/", "tests/")):
        return []
    return [m for m in imports(text) if top(m) in GEOMETRY]


def the_environment_is_read_in_one_file(path: str, text: str) -> list[str]:
    """app.py hands the environment to pipelines/settings.py; nobody else looks at it."""
    if path in {"app.py", "pipelines/settings.py"} or path.startswith(("tests/", "benchmarks/")):
        return []
    read = {"os.environ", "os.getenv", "os.environb"}
    found = [m for m in imports(text) if m in read]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            found += [name] if name in read else []
    return found


def the_clock_is_read_in_one_file(path: str, text: str) -> list[str]:
    """In pipelines, time is passed in; only pipelines/clock.py asks what time it is."""
    if not path.startswith("pipelines/") or path == "pipelines/clock.py":
        return []
    return [".".join(call) for call in calls(text) if call in CLOCK_READERS]


def every_module_has_a_subject(path: str, text: str) -> list[str]:
    """A file named after nothing collects everything."""
    return [part for part in path.removesuffix(".py").split("/") if part in HOMELESS]


def files_stay_short(path: str, text: str) -> list[str]:
    """A file that grows past this has two subjects."""
    lines = text.count("\n") + 1
    return [f"{lines} lines"] if lines >= LONGEST_FILE else []


def assets_name_no_other_host(path: str, text: str) -> list[str]:
    """Every screen works in a network without a way out."""
    hosts = re.findall(r"(?:\w+:)?//([\w-]+(?:\.[\w-]+)+[^\s\"'<>)]*)", text)
    return [host for host in hosts if not host.startswith(NAMESPACES)]


# (rule, a file that breaks it, one that does not)
RULES: list[tuple[Rule, tuple[str, str], tuple[str, str]]] = [
    (
        imports_point_one_way,
        ("pipelines/x.py", "def f():\n    from dashboard import app"),
        ("dashboard/x.py", "from pipelines.snapshot import Snapshot\nimport dash"),
    ),
    (
        imports_point_one_way,
        ("pipelines/x.py", "import plotly.graph_objects as go"),
        ("app.py", "import dashboard, pipelines"),
    ),
    (
        imports_are_absolute,
        ("dashboard/panels/x.py", "from . import tiles"),
        ("dashboard/panels/x.py", "from dashboard.panels import tiles"),
    ),
    (
        the_model_stands_alone,
        ("pipelines/model/x.py", "from pipelines.store import Store"),
        ("pipelines/model/x.py", "import enum\nfrom pipelines.model.fact import Fact"),
    ),
    (
        figures_are_made_of_the_model,
        ("pipelines/kpis/x.py", "import pandas"),
        ("pipelines/kpis/x.py", "from math import sqrt\nfrom pipelines.kpis import rates"),
    ),
    (
        geometry_stays_in_its_room,
        ("pipelines/door/ingest.py", "from shapely import STRtree"),
        ("pipelines/geo/grids.py", "from shapely import STRtree"),
    ),
    (
        the_environment_is_read_in_one_file,
        ("pipelines/door/ingest.py", "import os\nos.environ['GRID135_PORT']"),
        ("app.py", "import os\nos.environ['GRID135_PORT']"),
    ),
    (
        the_environment_is_read_in_one_file,
        ("dashboard/x.py", "from os import getenv"),
        ("dashboard/x.py", "import os\nos.replace('a', 'b')"),
    ),
    (
        the_clock_is_read_in_one_file,
        ("pipelines/x.py", "import datetime\ndatetime.datetime.now(datetime.UTC)"),
        ("pipelines/clock.py", "from datetime import datetime, UTC\ndatetime.now(UTC)"),
    ),
    (
        the_clock_is_read_in_one_file,
        ("pipelines/x.py", "import time\ntime.time()"),
        ("pipelines/x.py", "import time\ntime.monotonic()"),
    ),
    (
        every_module_has_a_subject,
        ("pipelines/utils.py", ""),
        ("pipelines/door/ingest.py", ""),
    ),
    (
        every_module_has_a_subject,
        ("dashboard/common/x.py", ""),
        ("dashboard/panels/x.py", ""),
    ),
    (
        files_stay_short,
        ("pipelines/x.py", "\n" * LONGEST_FILE),
        ("pipelines/x.py", "\n" * (LONGEST_FILE - 2)),
    ),
    (
        assets_name_no_other_host,
        ("assets/x.js", 'new WebSocket("wss://tiles.example.org/1")'),
        ("assets/x.js", 'fetch("/assets/map/style.json") // why'),
    ),
    (
        assets_name_no_other_host,
        ("assets/x.css", "@import url(//fonts.example.org/a.css)"),
        ("assets/x.svg", '<svg xmlns="http://www.w3.org/2000/svg"/>'),
    ),
]
PYTHON_RULES = list(dict.fromkeys(r for r, *_ in RULES if r is not assets_name_no_other_host))


@pytest.mark.parametrize(
    ("rule", "broken", "kept"), RULES, ids=[f"{r.__name__}-{b[0]}" for r, b, _ in RULES]
)
def test_the_rule_can_fail(rule: Rule, broken: tuple[str, str], kept: tuple[str, str]) -> None:
    assert rule(*broken)
    assert not rule(*kept)


@pytest.mark.parametrize("rule", PYTHON_RULES, ids=lambda rule: rule.__name__)
def test_the_rule_is_kept(rule: Rule) -> None:
    breaches = [
        f"{path}: {breach}"
        for file in FILES
        for path in [file.relative_to(ROOT).as_posix()]
        for breach in rule(path, file.read_text(encoding="utf-8"))
    ]

    assert not breaches, rule.__doc__


def test_assets_name_no_other_host() -> None:
    breaches = [
        f"{file.relative_to(ROOT)}: {host}"
        for file in ASSETS
        for host in assets_name_no_other_host(file.name, file.read_text(encoding="utf-8"))
    ]

    assert not breaches, assets_name_no_other_host.__doc__


def test_the_rules_see_the_whole_house() -> None:
    seen = {file.relative_to(ROOT).parts[0] for file in FILES}

    assert seen >= {"pipelines", "tests"}
