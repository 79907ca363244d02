"""The formats by the ending of a file's name; adding one is a file and a line in ``FORMATS``."""

import json
from functools import partial
from pathlib import Path

from pipelines.connectors.file_drop import delimited, json_lines
from pipelines.connectors.file_drop.format import Format
from pipelines.connectors.file_drop.options import FileDropOptions
from pipelines.connectors.file_drop.xlsx import table
from pipelines.connectors.reread import Reread

_CSV = Format(partial(delimited.read, usual=","))
_TSV = Format(partial(delimited.read, usual="\t"))
_JSON_LINES = Format(json_lines.read)
_XLSX = Format(table.read, grows=False)

FORMATS: dict[str, Format] = {
    ".csv": _CSV,
    ".csv.gz": _CSV,
    ".jsonl": _JSON_LINES,
    ".jsonl.gz": _JSON_LINES,
    ".tsv": _TSV,
    ".tsv.gz": _TSV,
    ".xls": _XLSX,  # often an xlsx or a web page by another name; a real one is told from them
    ".xlsx": _XLSX,
}
"""Every format a folder is looked through for."""


def format_of(*names: str) -> Format:
    """The format of the first name whose ending says one; csv when none does."""
    for name in names:
        known = next((f for end, f in FORMATS.items() if name.lower().endswith(end)), None)
        if known is not None:
            return known
    return _CSV


def is_dropped(path: Path) -> bool:
    """Whether a file in a folder is meant to be read; ``~$…`` is how Excel marks an open one."""
    known = path.name.lower().endswith(tuple(FORMATS))
    return known and not path.name.startswith("~$")


_REREADS = {"jsonl": json_lines.reread, "table": delimited.reread, "xlsx": table.reread}


def reread(raw: bytes, context: bytes, options: FileDropOptions) -> Reread:
    """The columns of a row that was kept; what its context says tells which format it had."""
    said = json.loads(context.partition(b"\n")[0] or b"{}")
    form = said.get("format", "table" if "delimiter" in said else "")
    if form not in _REREADS:
        return Reread(None, ("(row)", "", "was kept without its header; drop the file again"))
    return _REREADS[form](raw, context, options)
