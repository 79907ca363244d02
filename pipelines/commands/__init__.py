"""The operator's commands on records, figures and the store, a file a subject."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from pipelines.commands.figures import figure_commands
from pipelines.commands.sources import source_commands
from pipelines.commands.store import store_commands

Command = Callable[..., argparse.ArgumentParser]
"""What adds one command to the command line: of (commands, name, function, json_flag)."""

COMMANDS: Sequence[Callable[[Any, Command], None]] = (
    source_commands,
    figure_commands,
    store_commands,
)
"""What adds the commands of each subject, given the subparsers and what adds one."""
