"""The pages that are written from the code are as the code says."""

import runpy
from pathlib import Path

BUILD = Path(__file__).parent.parent / "docs" / "build.py"


def test_every_generated_page_is_fresh() -> None:
    pages: dict[Path, str] = runpy.run_path(str(BUILD))["pages"]()

    stale = [p.name for p, text in pages.items() if p.read_text("utf-8") != text]

    assert stale == [], "run make docs"


def test_every_option_has_a_sentence() -> None:
    build = runpy.run_path(str(BUILD))

    for text in build["pages"]().values():
        missing = [line for line in text.splitlines() if line.endswith("| None |")]
        assert missing == []
