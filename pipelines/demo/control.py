"""Stopping and starting parts of the simulator while it runs, by a small file it looks at."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.demo.played import FOLDER
from pipelines.errors import QueryError

_FILE = "control.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Control:
    """Which parts are stopped; ``finished``: nothing new happens, and what waits is let out."""

    stopped: frozenset[str] = frozenset()
    finished: bool = False


def read_control(data: Path) -> Control:
    """What the simulator of this data folder was told."""
    try:
        said = json.loads((data / FOLDER / _FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Control()
    return Control(stopped=frozenset(said["stopped"]), finished=said["finished"])


def write_control(data: Path, control: Control) -> None:
    """Tell the simulator."""
    file = data / FOLDER / _FILE
    content = {"stopped": sorted(control.stopped), "finished": control.finished}
    beside = file.with_suffix(".part")
    beside.write_text(json.dumps(content), encoding="utf-8")
    beside.replace(file)


def tell(data: Path, known: frozenset[str], what: str, part: str | None) -> Control:
    """Stop or start a part, or finish; raises QueryError for an unknown part."""
    control = read_control(data)
    if what != "finish" and part not in known:
        raise QueryError(
            f"demo {what} {part or ''}: there is no such part; use one of: "
            f"{', '.join(sorted(known))}"
        )
    if what == "finish":
        control = replace(control, finished=True)
    elif what == "stop":
        control = replace(control, stopped=control.stopped | {str(part)})
    else:
        control = replace(control, stopped=control.stopped - {str(part)})
    write_control(data, control)
    return control
