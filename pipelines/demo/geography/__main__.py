"""Writes the geography of the demo street: ``python -m pipelines.demo.geography [FOLDER]``."""

import sys
from collections.abc import Mapping
from pathlib import Path

from pipelines.demo.geography.files import demo_files

FOLDER = Path("config/demo")


def main() -> None:
    """Write every file into the folder, ``config/demo`` unless another is named."""
    write_all(demo_files(), Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)


def write_all(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files into a folder, and say which."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
        sys.stdout.write(f"wrote {folder / name} ({len(content):,} bytes)\n")


if __name__ == "__main__":
    main()
