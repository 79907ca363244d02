"""The shared view connector: its queries, the engine, the overlap, values, the poll."""
