"""Writes the example district: ``python -m pipelines.demo.geography.district [FOLDER]``."""

import sys
from pathlib import Path

from pipelines.demo.geography.__main__ import write_all
from pipelines.demo.geography.district.files import district_files

FOLDER = Path("config/district")


def main() -> None:
    """Write every file into the folder, ``config/district`` unless another is named."""
    write_all(district_files(), Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)


if __name__ == "__main__":
    main()
