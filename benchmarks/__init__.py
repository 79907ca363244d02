"""Speeds, each with a raw baseline of the same run: ``python -m benchmarks.NAME --json``."""
