"""How records arrive, one protocol a file; adding one is a file and a line in ``CONNECTORS``."""

from pipelines.connectors.file_drop import FileDrop

CONNECTORS = {"file_drop": FileDrop}
"""Every connector by the name a config block uses. Each has ``options``, its block's model."""
