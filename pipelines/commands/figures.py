"""Commands that answer with figures, and with the incidents behind them."""

import argparse
import json
from typing import Any

from pipelines.commands.now import now_of
from pipelines.figures.comparison import compare
from pipelines.figures.freezing import freeze, frozen_lines
from pipelines.figures.intake import intake
from pipelines.figures.lab import lab_lines
from pipelines.figures.named import check_names
from pipelines.figures.query import PARAMETERS, kpi, parse, rows
from pipelines.installation import open_installation
from pipelines.settings import Settings

FILTERS = tuple(name for name in PARAMETERS if name != "verdict")
"""The parameters of a question about figures; one about rows may name a verdict too."""


def show_kpi(settings: Settings, options: argparse.Namespace) -> int:
    """Print the figures."""
    return answer(settings, options, lab_lines if options.lab else kpi)


def show_rows(settings: Settings, options: argparse.Namespace) -> int:
    """Print the incidents behind the figures."""
    return answer(settings, options, rows)


def show_comparison(settings: Settings, options: argparse.Namespace) -> int:
    """Compare the groups of ``--by``: shrunk rates, funnel limits, days since the last miss."""
    return answer(settings, options, compare)


def show_intake(settings: Settings, options: argparse.Namespace) -> int:
    """Print how many incidents were reported in each 5-minute window."""
    return answer(settings, options, intake)


def freeze_month(settings: Settings, options: argparse.Namespace) -> int:
    """Freeze the figures of a month that ended seven days ago or longer."""
    installation = open_installation(settings, replayed=False)
    frozen = freeze(installation, options.month, now=now_of(settings))
    print(f"{frozen.month}: {len(frozen.content['cases'])} incidents, {frozen.hash}")
    return 0


def show_frozen(settings: Settings, options: argparse.Namespace) -> int:
    """List the frozen months, or show one with what changed since; check every hash."""
    installation = open_installation(settings, replayed=False)
    with installation.store.reading() as reader:
        lines = frozen_lines(reader, installation, options.month, now=now_of(settings))
    print(json.dumps(lines, ensure_ascii=False, indent=None if options.json else 2))
    return 0 if all(line["whole"] for line in lines) else 1


def answer(settings: Settings, options: argparse.Namespace, question: Any) -> int:
    """Print what a question about the figures is answered with."""
    installation = open_installation(settings, replayed=False)
    given = {name: getattr(options, name, None) or "" for name in PARAMETERS}
    query = parse(given, now=now_of(settings), zone=settings.area.time_zone)
    with installation.store.reading() as reader:
        check_names(reader, query, installation)
        answer = question(reader, query, installation.desk)
    print(json.dumps(answer, ensure_ascii=False, indent=None if options.json else 2))
    return 0


def figure_commands(commands: Any, command: Any) -> None:
    """Add them to the command line."""
    questions = (
        ("kpi", show_kpi),
        ("compare", show_comparison),
        ("rows", show_rows),
        ("intake", show_intake),
    )
    for name, function in questions:
        parser = command(commands, name, function, json_flag=True)
        ask(parser, PARAMETERS if name == "rows" else FILTERS)
        if name == "kpi":
            parser.add_argument("--lab", action="store_true", help="the rate by every rule")
    parser = command(commands, "freeze", freeze_month)
    parser.add_argument("--month", required=True, help="such as 2026-10")
    parser = command(commands, "frozen", show_frozen, json_flag=True)
    parser.add_argument("--month", help="one month, with its figures and what changed since")


def ask(parser: argparse.ArgumentParser, parameters: Any) -> None:
    """Let a command take these parameters of a question."""
    for parameter in parameters:
        parser.add_argument(f"--{parameter.replace('_', '-')}", dest=parameter)
