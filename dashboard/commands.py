"""The operator's commands that need the screens' words, or are about the screens."""

import argparse
from typing import Any

from dashboard.text.monitors import told
from pipelines.clock import SystemClock
from pipelines.commands.figures import FILTERS, answer, ask
from pipelines.figures.monitoring import monitor_lines
from pipelines.installation import open_installation
from pipelines.settings import Settings
from pipelines.wall.endurance import WALLS_RELOAD


def show_monitors(settings: Settings, options: argparse.Namespace) -> int:
    """Print what in the data is to be checked: a sentence a finding, and the incidents."""
    return answer(settings, options, lambda *asked: told(monitor_lines(*asked)))


def reload_walls(settings: Settings, options: argparse.Namespace) -> int:
    """Have every wall load its page anew."""
    store = open_installation(settings, replayed=False).store
    with store.writing() as writer:
        writer.put_meta(WALLS_RELOAD, SystemClock().now().isoformat())
    print("every wall loads its page anew")
    return 0


def screen_commands(commands: Any, command: Any) -> None:
    """Add them to the command line."""
    parser = command(commands, "monitors", show_monitors, json_flag=True)
    ask(parser, FILTERS)
    walls = commands.add_parser("walls", help="look after the screens").add_subparsers(
        required=True
    )
    command(walls, "reload", reload_walls)
