"""Grid135: composition root and command line. ``python app.py --help`` lists the commands."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from dashboard.access.commands import access_commands
from dashboard.text.monitors import told
from pipelines import canary, quarantine
from pipelines.clock import Clock, SystemClock
from pipelines.comparison import compare
from pipelines.demo.played import street_clock
from pipelines.endurance import WALLS_RELOAD
from pipelines.errors import (
    Grid135Error,
    SettingsError,
    SourceConfigError,
    SourceUnavailableError,
)
from pipelines.freezing import freeze, frozen_lines, touched_months
from pipelines.inspection import (
    FRAME_DECODERS,
    chosen,
    decode_file,
    decode_frames,
    quarantined,
    unmapped_codes,
)
from pipelines.installation import (
    Installation,
    collect_less_often,
    open_installation,
    prepare,
)
from pipelines.intake import intake
from pipelines.lab import lab_lines
from pipelines.monitoring import monitor_lines
from pipelines.query import PARAMETERS, kpi, parse, rows
from pipelines.receipt import Counts, in_words
from pipelines.settings import Settings, load
from pipelines.upkeep import rebuild, verify

BUILD = "0.1.0"
PATIENCE = timedelta(seconds=30)
_FILTERS = tuple(name for name in PARAMETERS if name != "verdict")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0 done, 1 a source failed, 2 wrong input."""
    options = _parser().parse_args(arguments)
    speaks = options.command in (run, import_all, demo)
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
    with _street(settings) as clock:
        return _serve(settings, clock)


def _street(settings: Settings) -> AbstractContextManager[Clock | None]:
    """The demo street beside the product, if the configuration has one; yields its clock."""
    if settings.demo is None:
        return nullcontext()
    from pipelines.demo.process import beside

    command = [sys.executable, str(Path(__file__).resolve()), "demo"]
    return beside(settings, [*command, "--config", str(settings.file)])


def _serve(settings: Settings, clock: Clock | None) -> int:
    # The screens' libraries take a second to load; the other commands go without.
    import uvicorn

    from dashboard.access.site import guarded
    from dashboard.listener import listen
    from pipelines.live import Live

    listener = listen(settings.server.host, settings.server.port)
    live = Live(open_installation(settings, replayed=True), clock=clock)
    live.start()
    where = settings.address
    logging.getLogger(__name__).info("Grid135 is at %s (stop with Ctrl-C)", where)
    try:
        app = guarded(live, settings, where=where, build=BUILD, more=live.routes())
        # a wall's stream never ends by itself, so it is not waited for
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        live.stop()
    return 0


def demo(settings: Settings, options: argparse.Namespace) -> int:
    """Play the demo street; or stop or start one of its parts while it is played."""
    from pipelines.demo.control import tell
    from pipelines.demo.process import simulate
    from pipelines.demo.simulator import PARTS

    if settings.demo is None:
        raise SettingsError(f"{settings.file}: has no [demo]; use config/demo.toml")
    if options.action is None:
        simulate(settings, given=options.given)
        return 0
    told = tell(settings.data, PARTS & settings.sources.keys(), options.action, options.part)
    print(f"stopped: {', '.join(sorted(told.stopped)) or 'none'}")
    return 0


def check(settings: Settings, options: argparse.Namespace) -> int:
    """Say whether the configuration is right, without starting anything."""
    grids, sources = prepare(settings)
    mended = f", {len(grids.repaired)} mended" if grids.repaired else ""
    print(f"{settings.file}: right. {len(sources)} sources, {len(grids)} grids{mended}.")
    for year in settings.rules.years_missing(SystemClock().now().year):
        print(
            f"warning: [calendar] file = {settings.calendar.file!r} does not know {year}: "
            "targets in working time that need its days are answered with unknown"
        )
    return 0


def import_all(settings: Settings, options: argparse.Namespace) -> int:
    """Read every file source once to its end."""
    installation = open_installation(settings, replayed=False)
    report, failed = [], False
    for source in installation.sources:
        if source.poller is None:
            continue
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
    return _answer(settings, options, lab_lines if options.lab else kpi)


def show_rows(settings: Settings, options: argparse.Namespace) -> int:
    """Print the incidents behind the figures."""
    return _answer(settings, options, rows)


def show_comparison(settings: Settings, options: argparse.Namespace) -> int:
    """Compare the groups of ``--by``: shrunk rates, funnel limits, days since the last miss."""
    return _answer(settings, options, compare)


def show_intake(settings: Settings, options: argparse.Namespace) -> int:
    """Print how many incidents were reported in each 5-minute window."""
    return _answer(settings, options, intake)


def show_monitors(settings: Settings, options: argparse.Namespace) -> int:
    """Print what in the data is to be checked: a sentence a finding, and the incidents."""
    return _answer(settings, options, lambda *asked: told(monitor_lines(*asked)))


def freeze_month(settings: Settings, options: argparse.Namespace) -> int:
    """Freeze the figures of a month that ended seven days ago or longer."""
    installation = open_installation(settings, replayed=False)
    frozen = freeze(installation, options.month, now=_now(settings))
    print(f"{frozen.month}: {len(frozen.content['cases'])} incidents, {frozen.hash}")
    return 0


def show_frozen(settings: Settings, options: argparse.Namespace) -> int:
    """List the frozen months, or show one with what changed since; check every hash."""
    installation = open_installation(settings, replayed=False)
    with installation.store.reading() as reader:
        lines = frozen_lines(reader, installation, options.month, now=_now(settings))
    print(json.dumps(lines, ensure_ascii=False, indent=None if options.json else 2))
    return 0 if all(line["whole"] for line in lines) else 1


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
    """List the records that made no sense, or read them again with the present configuration."""
    installation = open_installation(settings, replayed=False)
    if options.action == "replay":
        return _replay_quarantine(installation, options)
    with installation.store.reading() as reader:
        for item in quarantined(reader, limit=options.limit, source=options.source):
            where = f"{item['source']} {item['file']}:{item['line']}"
            text = f"{where}: column {item['column']!r}, value {item['value']!r}: {item['rule']}"
            print(json.dumps(item, ensure_ascii=False) if options.json else text)
    return 0


def _replay_quarantine(installation: Installation, options: argparse.Namespace) -> int:
    for source in chosen(installation.sources, options.source):
        done = quarantine.replay(installation.store, installation.door, source)
        text = f"{done.source}: {done.taken_in} taken in, {done.still} still in quarantine"
        print(json.dumps(asdict(done)) if options.json else text)
    return 0


def show_unmapped(settings: Settings, options: argparse.Namespace) -> int:
    """List the codes that no mapping names, with how many records had them."""
    installation = open_installation(settings, replayed=False)
    with installation.store.reading() as reader:
        for code in unmapped_codes(reader):
            text = f"{code['source']}: column {code['column']!r}, code {code['value']!r}"
            text += f": {code['records']} records, last {code['last_at']}"
            print(json.dumps(code, ensure_ascii=False) if options.json else text)
    return 0


def send_canary(settings: Settings, options: argparse.Namespace) -> int:
    """Take a marked record through each source's pipeline and back; say how long it took."""
    installation = open_installation(settings, replayed=False)
    failed = False
    for source in chosen(installation.sources, options.source):
        store, door = installation.store, installation.door
        sent = canary.send(store, door, source, now=SystemClock().now())
        failed |= sent.problem is not None
        said = f"back after {sent.took_ms} ms" if sent.was_sent else "nothing to send yet"
        line = {"source": source.id} | asdict(sent) | {"at": sent.at.isoformat()}
        text = f"{source.id}: {sent.problem or said}"
        print(json.dumps(line, ensure_ascii=False) if options.json else text)
    return 1 if failed else 0


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
    for month in (touched := touched_months(installation.store)):
        print(f"frozen {month}: somebody changed it; its hash is wrong")
    return 1 if found.wrong or touched else 0


def reload_walls(settings: Settings, options: argparse.Namespace) -> int:
    """Have every wall load its page anew."""
    store = open_installation(settings, replayed=False).store
    with store.writing() as writer:
        writer.put_meta(WALLS_RELOAD, SystemClock().now().isoformat())
    print("every wall loads its page anew")
    return 0


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {of} incidents", end="\n" if done == of else "", file=sys.stderr)


def _now(settings: Settings) -> datetime:
    """The time by the clock that the store was filled with."""
    clock = SystemClock() if settings.demo is None else street_clock(settings.data)
    return clock.now()


def _answer(settings: Settings, options: argparse.Namespace, question: Any) -> int:
    installation = open_installation(settings, replayed=False)
    given = {name: getattr(options, name, None) or "" for name in PARAMETERS}
    query = parse(given, now=_now(settings), zone=settings.area.time_zone)
    with installation.store.reading() as reader:
        answer = question(reader, query, installation.desk)
    print(json.dumps(answer, ensure_ascii=False, indent=None if options.json else 2))
    return 0


def _print_import(report: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
        return
    for line in report:
        print("\n".join(in_words(line)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="app.py", description="Grid135 incident command dashboard"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _command(commands, "run", run)
    command = _command(commands, "demo", demo)
    command.add_argument("action", nargs="?", choices=("stop", "start", "finish"))
    command.add_argument("part", nargs="?", help="the source whose other end is meant")
    command.add_argument("--given", action="store_true", help=argparse.SUPPRESS)
    _command(commands, "check", check)
    _command(commands, "import", import_all, json_flag=True)
    questions = (
        ("kpi", show_kpi),
        ("compare", show_comparison),
        ("rows", show_rows),
        ("intake", show_intake),
        ("monitors", show_monitors),
    )
    for name, function in questions:
        command = _command(commands, name, function, json_flag=True)
        for parameter in PARAMETERS if name == "rows" else _FILTERS:
            command.add_argument(f"--{parameter.replace('_', '-')}", dest=parameter)
        if name == "kpi":
            command.add_argument("--lab", action="store_true", help="the rate by every rule")
    command = _command(commands, "freeze", freeze_month)
    command.add_argument("--month", required=True, help="such as 2026-10")
    command = _command(commands, "frozen", show_frozen, json_flag=True)
    command.add_argument("--month", help="one month, with its figures and what changed since")
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
    command.add_argument("action", nargs="?", choices=("list", "replay"), default="list")
    command.add_argument("--source", help="only this source")
    command.add_argument("--limit", type=int, default=100)
    _command(commands, "unmapped", show_unmapped, json_flag=True)
    command = _command(commands, "canary", send_canary, json_flag=True)
    command.add_argument("--source", help="only this source")
    access_commands(commands, _command)
    walls = commands.add_parser("walls", help="look after the screens").add_subparsers(
        required=True
    )
    _command(walls, "reload", reload_walls)
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
        "--config", help="the config file (default: GRID135_CONFIG or config/demo.toml)"
    )
    if json_flag:
        command.add_argument("--json", action="store_true", help="print JSON, one line")
    command.set_defaults(command=function)
    return command


if __name__ == "__main__":
    sys.exit(main())
