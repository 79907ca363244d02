"""The peers of each protocol, for ``benchmarks.sources``; one module a protocol."""
