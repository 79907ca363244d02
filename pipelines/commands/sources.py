"""Commands on records: checking the configuration, reading files, what could not be read."""

import argparse
import json
import sys
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipelines.clock import SystemClock
from pipelines.door import quarantine
from pipelines.door.inspection import (
    FRAME_DECODERS,
    chosen,
    decode_file,
    decode_frames,
    quarantined,
    unmapped_codes,
)
from pipelines.door.receipt import Counts, in_words
from pipelines.errors import SettingsError, SourceConfigError, SourceUnavailableError
from pipelines.installation import Installation, open_installation, prepare
from pipelines.settings import Settings
from pipelines.upkeep import canary

PATIENCE = timedelta(seconds=30)
"""How long an import waits for a file that is still being written."""


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


def _print_import(report: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report, ensure_ascii=False))
        return
    for line in report:
        print("\n".join(in_words(line)))


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


def source_commands(commands: Any, command: Any) -> None:
    """Add them to the command line."""
    command(commands, "check", check)
    command(commands, "import", import_all, json_flag=True)
    parser = command(commands, "decode", decode, json_flag=True)
    by = parser.add_mutually_exclusive_group(required=True)
    by.add_argument("--source", help="the source whose mapping is used")
    by.add_argument(
        "--decoder", choices=FRAME_DECODERS, help="read frames, as hex lines; needs no source"
    )
    parser.add_argument(
        "--stream", action="store_true", help="with --decoder: the lines are parts of one stream"
    )
    parser.add_argument("file", nargs="?", default="-", help="a file; - reads standard input")
    parser = command(commands, "quarantine", show_quarantine, json_flag=True)
    parser.add_argument("action", nargs="?", choices=("list", "replay"), default="list")
    parser.add_argument("--source", help="only this source")
    parser.add_argument("--limit", type=int, default=100)
    command(commands, "unmapped", show_unmapped, json_flag=True)
    parser = command(commands, "canary", send_canary, json_flag=True)
    parser.add_argument("--source", help="only this source")
