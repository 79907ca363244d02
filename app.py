"""Grid135: composition root and command line. ``python app.py --help`` lists the commands."""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.host.memory import collect_for_months, collect_less_often, share_one_heap

INTERRUPTED = 130
"""What a command is left with that Ctrl-C has ended, as shells have it: 128 and the signal."""

if __name__ == "__main__" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    # there is nothing yet to put in order, and a library that is half loaded says so at length
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))

share_one_heap()  # what is loaded next has threads, and each would make itself a heap of its own

from dashboard.access.checkup import checkup_commands
from dashboard.access.commands import access_commands
from dashboard.access.retention import recorded
from dashboard.access.safekeeping import safekeeping_commands
from dashboard.commands import screen_commands
from pipelines.clock import Clock
from pipelines.commands import COMMANDS
from pipelines.commands.sources import import_all
from pipelines.errors import Grid135Error, SettingsError
from pipelines.host import logs, tracing
from pipelines.installation import Installation, open_installation
from pipelines.settings import Settings, load

BUILD = "0.1.0"

_ON_THE_SCREENS = (screen_commands, access_commands, safekeeping_commands, checkup_commands)
"""The commands that need the screens' side; the others are in ``COMMANDS``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0 done, 1 a source failed, 2 wrong input.

    130 when Ctrl-C has ended it, after what was under way was put in order.
    """
    options = _parser().parse_args(arguments)
    speaks = options.command in (run, ingest, serve, import_all, demo)
    role = options.command.__name__
    logs.set_up(None, role=role, speaks=speaks)
    collect_less_often()
    try:
        settings = load(os.environ, options.config)
        logs.set_up(settings.log, role=role, speaks=speaks)
        tracing.set_up(settings.tracing, role=role)
        return int(options.command(settings, options))
    except Grid135Error as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Take all sources in and serve the screens, in one process."""
    _stop_cleanly()
    with _street(settings) as clock:
        return _show(settings, partial(open_installation, replayed=True), clock=clock)


def ingest(settings: Settings, options: argparse.Namespace) -> int:
    """Take records in, without screens; any number of these share the sources out."""
    from pipelines.roles.worker import Worker, open_shared

    _stop_cleanly()
    worker = Worker(open_shared(settings), recorded(settings))
    try:
        worker.start()
        threading.Event().wait()
    finally:
        worker.stop()
    return 0


def serve(settings: Settings, options: argparse.Namespace) -> int:
    """Serve the screens and take in what is pushed; any number of these behind a proxy."""
    from pipelines.roles.live import Role
    from pipelines.roles.worker import open_shared

    _stop_cleanly()
    return _show(settings, open_shared, role=Role.SERVE)


def _stop_cleanly() -> None:
    """Have SIGTERM end the process by way of its ``finally`` blocks."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def _street(settings: Settings) -> AbstractContextManager[Clock | None]:
    """The demo street beside the product, if the configuration has one; yields its clock."""
    if settings.demo is None:
        return nullcontext()
    from pipelines.demo.process import beside

    command = [sys.executable, str(Path(__file__).resolve()), "demo"]
    return beside(settings, [*command, "--config", str(settings.file)])


def _show(settings: Settings, opened: Callable[[Settings], Installation], **how: Any) -> int:
    """Serve the screens until stopped; ``how`` as :class:`~pipelines.roles.live.Live` takes it."""
    # The screens' libraries take a second to load; the other commands go without.
    import uvicorn

    from dashboard.access.site import guarded
    from dashboard.connections import connections, room
    from dashboard.listener import listen
    from pipelines.roles.live import Live

    listener = listen(settings.server.host, settings.server.port)
    live = Live(opened(settings), purged=recorded(settings), **how)
    try:
        live.start()
        where = settings.listens_at
        logging.getLogger(__name__).info("Grid135 is at %s (stop with Ctrl-C)", where)
        app = guarded(
            live,
            settings,
            where=settings.address,
            build=BUILD,
            more=live.routes(),
            measured=live.metrics_route,
        )
        # a wall's stream never ends by itself, so it is not waited for
        collect_for_months()
        config = uvicorn.Config(
            app, http=connections(room()), log_level="warning", timeout_graceful_shutdown=1
        )
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="app.py", description="Grid135 incident command dashboard"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, role in (("run", run), ("ingest", ingest), ("serve", serve)):
        _command(commands, name, role)
    command = _command(commands, "demo", demo)
    command.add_argument("action", nargs="?", choices=("stop", "start", "finish"))
    command.add_argument("part", nargs="?", help="the source whose other end is meant")
    command.add_argument("--given", action="store_true", help=argparse.SUPPRESS)
    for add in (*COMMANDS, *_ON_THE_SCREENS):
        add(commands, _command)
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
    if (
        signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
    ):  # what runs in the background has that
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
