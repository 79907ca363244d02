"""Grid135: composition root and command line. ``python app.py --help`` lists the commands."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipelines.clock import SystemClock
from pipelines.errors import (
    Grid135Error,
    SettingsError,
    SourceConfigError,
    SourceUnavailableError,
)
from pipelines.inspection import FRAME_DECODERS, decode_file, decode_frames, quarantined
from pipelines.installation import collect_less_often, open_installation, prepare
from pipelines.intake import intake
from pipelines.query import PARAMETERS, kpi, parse, rows
from pipelines.receipt import Counts
from pipelines.settings import Settings, load
from pipelines.upkeep import rebuild, verify

BUILD = "0.1.0"
PATIENCE = timedelta(seconds=30)
_FILTERS = tuple(name for name in PARAMETERS if name != "verdict")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0 done, 1 a source failed, 2 wrong input."""
    options = _parser().parse_args(arguments)
    speaks = options.command in (run, import_all)
    logging.basicConfig(
        level=logging.INFO if speaks else logging.WARNING,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    collect_less_often()
    try:
        return int(options.command(load(os.environ, options.config), options))
    except Grid135Error as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Pull all sources and serve the screens, in one process."""
    # The screens' libraries take a second to load; the other commands go without.
    import uvicorn

    from dashboard.listener import listen
    from dashboard.server import create_app
    from pipelines.live import Live

    listener = listen(settings.server.host, settings.server.port)
    live = Live(open_installation(settings, replayed=True))
    live.start()
    where = f"http://{settings.server.host}:{settings.server.port}"
    logging.getLogger(__name__).info("Grid135 is at %s (stop with Ctrl-C)", where)
    try:
        app = create_app(live, build=BUILD)
        # a wall's stream never ends by itself, so it is not waited for
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        live.stop()
    return 0


def check(settings: Settings, options: argparse.Namespace) -> int:
    """Say whether the configuration is right, without starting anything."""
    grids, sources = prepare(settings)
    mended = f", {len(grids.repaired)} mended" if grids.repaired else ""
    print(f"{settings.file}: right. {len(sources)} sources, {len(grids)} grids{mended}.")
    return 0


def import_all(settings: Settings, options: argparse.Namespace) -> int:
    """Read every file source once to its end."""
    installation = open_installation(settings, replayed=False)
    report, failed = [], False
    for source in installation.sources:
        line: dict[str, Any] = {"source": source.id}
        taken: list[Counts] = []
        try:
            installation.pull_to_the_end(
                source, clock=SystemClock(), patience=PATIENCE, each=taken.append
            )
        except (SourceUnavailableError, SourceConfigError) as error:
            failed = True
            line["error"] = str(error)
        report.append(line | asdict(sum(taken, Counts())))
    _print_import(report, as_json=options.json)
    return 1 if failed else 0


def show_kpi(settings: Settings, options: argparse.Namespace) -> int:
    """Print the figures."""
    return _answer(settings, options, kpi)


def show_rows(settings: Settings, options: argparse.Namespace) -> int:
    """Print the incidents behind the figures."""
    return _answer(settings, options, rows)


def show_intake(settings: Settings, options: argparse.Namespace) -> int:
    """Print how many incidents were reported in each 5-minute window."""
    return _answer(settings, options, intake)


def decode(settings: Settings, options: argparse.Namespace) -> int:
    """Show what records would become, or what frames say; store nothing."""
    path = None if options.file == "-" else Path(options.file)
    if options.decoder:
        for frame in decode_frames(options.decoder, path, sys.stdin.buffer, glued=options.stream):
            print(json.dumps(frame, ensure_ascii=False), flush=True)
        return 0
    if options.stream:
        raise SettingsError("--stream: only frames form a stream; use it with --decoder")
    now = SystemClock().now()
    for item in decode_file(settings, options.source, path, sys.stdin.buffer, now=now):
        print(json.dumps(item, ensure_ascii=False, indent=None if options.json else 2))
    return 0


def show_quarantine(settings: Settings, options: argparse.Namespace) -> int:
    """List the records that made no sense, with where they were and why."""
    installation = open_installation(settings, replayed=False)
    with installation.store.reading() as reader:
        for item in quarantined(reader, limit=options.limit):
            where = f"{item['source']} {item['file']}:{item['line']}"
            text = f"{where}: column {item['column']!r}, value {item['value']!r}: {item['rule']}"
            print(json.dumps(item, ensure_ascii=False) if options.json else text)
    return 0


def rebuild_store(settings: Settings, options: argparse.Namespace) -> int:
    """Make incidents and rollups anew from the reports; broken off, all is as it was."""
    installation = open_installation(settings, replayed=False)
    print(f"{rebuild(installation.store, installation.desk, _progress)} incidents made anew")
    return 0


def verify_store(settings: Settings, options: argparse.Namespace) -> int:
    """Count everything anew from the reports and compare it with the store."""
    installation = open_installation(settings, replayed=False)
    found = verify(installation.store, installation.desk, _progress)
    print(f"{found.incidents} incidents, {found.cells} rollup rows: {found.wrong} wrong")
    for difference in found.differences:
        print(f"  {difference}")
    if found.wrong:
        print("make them anew with: app.py db rebuild")
    return 1 if found.wrong else 0


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {of} incidents", end="\n" if done == of else "", file=sys.stderr)


def _answer(settings: Settings, options: argparse.Namespace, question: Any) -> int:
    installation = open_installation(settings, replayed=False)
    given = {name: getattr(options, name, None) or "" for name in PARAMETERS}
    query = parse(given, now=SystemClock().now(), zone=settings.area.time_zone)
    with installation.store.reading() as reader:
        answer = question(reader, query, installation.desk)
    print(json.dumps(answer, ensure_ascii=False, indent=None if options.json else 2))
    return 0


def _print_import(report: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
        return
    for line in report:
        numbers = ("read", "stored", "duplicate", "quarantined", "unlocated", "flagged")
        print(f"{line['source']}: " + ", ".join(f"{name} {line[name]}" for name in numbers))
        for problem in line["problems"]:
            print("  " + _sentence(problem))
        if "error" in line:
            print(f"  {line['error']}")


def _sentence(problem: dict[str, Any]) -> str:
    from pipelines.receipt import Problem

    return str(Problem(**problem))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="app.py", description="Grid135 incident command dashboard"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _command(commands, "run", run)
    _command(commands, "check", check)
    _command(commands, "import", import_all, json_flag=True)
    questions = (("kpi", show_kpi), ("rows", show_rows), ("intake", show_intake))
    for name, function in questions:
        command = _command(commands, name, function, json_flag=True)
        for parameter in PARAMETERS if name == "rows" else _FILTERS:
            command.add_argument(f"--{parameter.replace('_', '-')}", dest=parameter)
    command = _command(commands, "decode", decode, json_flag=True)
    by = command.add_mutually_exclusive_group(required=True)
    by.add_argument("--source", help="the source whose mapping is used")
    by.add_argument(
        "--decoder", choices=FRAME_DECODERS, help="read frames, as hex lines; needs no source"
    )
    command.add_argument(
        "--stream", action="store_true", help="with --decoder: the lines are parts of one stream"
    )
    command.add_argument("file", nargs="?", default="-", help="a file; - reads standard input")
    command = _command(commands, "quarantine", show_quarantine, json_flag=True)
    command.add_argument("--limit", type=int, default=100)
    database = commands.add_parser("db", help="look after the store").add_subparsers(required=True)
    _command(database, "rebuild", rebuild_store)
    _command(database, "verify", verify_store)
    return parser


def _command(
    commands: Any, name: str, function: Any, *, json_flag: bool = False
) -> argparse.ArgumentParser:
    text = function.__doc__.splitlines()[0]
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    command.add_argument(
        "--config", help="the config file (default: GRID135_CONFIG or config/sffd.toml)"
    )
    if json_flag:
        command.add_argument("--json", action="store_true", help="print JSON, one line")
    command.set_defaults(command=function)
    return command


if __name__ == "__main__":
    sys.exit(main())
