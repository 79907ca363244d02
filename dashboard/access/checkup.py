"""What the doctor looks at on the side of the screens: the port, accounts, https."""

import argparse
import json
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from dashboard.access.engine import kept_at
from dashboard.access.keeper import Keeper
from pipelines.commands.now import now_of
from pipelines.settings import Settings
from pipelines.upkeep.doctor import Check, Finding, Level, Patient, doubtful, examine, well, wrong

_PATIENCE_S = 5
_SIGNS = {Level.WELL: "ok", Level.DOUBTFUL: "!!", Level.WRONG: "XX"}


def _port(patient: Patient) -> Iterator[Finding]:
    settings = patient.settings
    # asked past a proxy, and by a name that it answers to
    named = {"Host": settings.access.hosts[0]} if settings.access.hosts else {}
    request = Request(f"{settings.listens_at}/health", headers=named)
    try:
        with urlopen(request, timeout=_PATIENCE_S) as answer:
            state = json.load(answer)
        said = f"Grid135 answers at {settings.listens_at}: {state.get('status')}"
        yield well("screens", said)
        return
    except (URLError, OSError, ValueError):
        pass
    with closing(socket.socket()) as probe:
        probe.settimeout(_PATIENCE_S)
        if probe.connect_ex((settings.server.host, settings.server.port)) == 0:
            yield wrong(
                "screens",
                f"something else answers at {settings.listens_at}",
                "stop it, or set GRID135_PORT",
            )
            return
    yield doubtful(
        "screens", f"nobody answers at {settings.listens_at}", "app.py run, or app.py serve"
    )


def _people(patient: Patient) -> Iterator[Finding]:
    settings = patient.settings
    if not settings.asks_who:
        yield well("access", f"open to whoever reaches {settings.server.host}, masked")
        return
    with closing(Keeper(kept_at(settings))) as keeper:
        if keeper.has_admin:
            yield well("access", "accounts are asked for, and there is an administrator")
        else:
            yield wrong("access", "there is no administrator", "app.py access invite NAME admin")
        whole = keeper.audit.verify()
    if whole.broken is not None:
        yield wrong(
            "audit log",
            f"entry {whole.broken} was changed or taken out by somebody",
            "keep this log as evidence, and restore a backup beside it",
        )
    else:
        yield well("audit log", f"{whole.entries} entries, each sealed")
    if not settings.access.https:
        yield doubtful(
            "https",
            "cookies are not bound to https",
            "put a proxy with a certificate before it (docs/operations) and set [access] https",
        )


CHECKS: tuple[tuple[str, Check], ...] = (("screens", _port), ("access", _people))


def run_doctor(settings: Settings, options: argparse.Namespace) -> int:
    """Examine the installation, and say what is wrong with it in plain words."""
    found = examine(Patient(settings=settings, now=now_of(settings)), CHECKS)
    for finding in found:
        if options.json:
            print(json.dumps(asdict(finding), ensure_ascii=False))
            continue
        print(f"{_SIGNS[finding.level]}  {finding.about}: {finding.sentence}")
        if finding.way_out and finding.level is not Level.WELL:
            print(f"      → {finding.way_out}")
    bad = sum(finding.level is Level.WRONG for finding in found)
    print(f"{len(found)} checks, {bad} wrong", file=sys.stderr)
    return 1 if bad else 0


def checkup_commands(commands: Any, command: Any) -> None:
    """Add them to the command line."""
    command(commands, "doctor", run_doctor, json_flag=True)
