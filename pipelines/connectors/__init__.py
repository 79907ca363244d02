"""How records arrive, one protocol a file; adding one is a file and a line in ``CONNECTORS``."""

from pipelines.connectors.file_drop.drop import FileDrop
from pipelines.connectors.http_poll.poll import HttpPoll
from pipelines.connectors.sql_view.view import SqlView

CONNECTORS: dict[str, type[FileDrop] | type[HttpPoll] | type[SqlView]] = {
    "file_drop": FileDrop,
    "http_poll": HttpPoll,
    "sql_view": SqlView,
}
"""Every connector by the name a config block uses. Each has ``options``, its block's model."""
