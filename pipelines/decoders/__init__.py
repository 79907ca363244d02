"""What records mean, one format a file; adding one is a file and a line in ``DECODERS``."""

from pipelines.decoders.table import TableDecoder

DECODERS = {"table": TableDecoder}
"""Every decoder by the name a config block uses. Each has ``options``, its block's model."""
