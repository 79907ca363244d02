"""Settings that hold for every test."""

import os

from hypothesis import settings

# A shared machine may be slow for a moment; CI draws the same examples every time.
settings.register_profile("default", deadline=None, max_examples=100)
settings.register_profile("ci", deadline=None, max_examples=200, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")
