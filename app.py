"""Grid135: composition root and command line. ``python app.py --help`` lists the commands."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from dashboard.access.commands import access_commands
from dashboard.commands import screen_commands
from pipelines.clock import Clock
from pipelines.commands import COMMANDS
from pipelines.commands.sources import import_all
from pipelines.errors import Grid135Error, SettingsError
from pipelines.installation import collect_less_often, open_installation
from pipelines.settings import Settings, load

BUILD = "0.1.0"


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
    for add in (*COMMANDS, screen_commands, access_commands):
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
    sys.exit(main())
