"""Commands of two words, such as ``db verify``, from more than one file."""

from typing import Any

_HELP = {"db": "look after the store"}


def group(commands: Any, name: str) -> Any:
    """What commands of a first word are added to; made when the first of them asks for it."""
    if name not in commands.choices:
        parser = commands.add_parser(name, help=_HELP[name])
        parser.words = parser.add_subparsers(required=True, metavar="COMMAND")
    return commands.choices[name].words
