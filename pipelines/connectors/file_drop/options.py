"""What a block of configuration may say about dropped files."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from pipelines.reading.options import Duration, Options


class SkipRows(Options):
    """Rows that are no records, told by one column: totals, signatures, notes."""

    column: str = Field(description="The column. A file that lacks it is read whole.")
    values: tuple[str, ...] = Field(
        default=("", "合计", "小计", "总计"),
        description='Its values in such rows; spaces do not count, `""` is empty.',
    )

    def holds(self, text: str | None) -> bool:
        """Whether a row with this text in the column is to be passed over."""
        return text is not None and "".join(text.split()) in self.values


class FileDropOptions(Options):
    """Where the files are and how they are written."""

    path: str = Field(description="A file, a folder, or a glob, relative to the config file.")
    settle: Duration = Field(
        default=timedelta(seconds=2), description="How long a file must be quiet to be complete."
    )
    encoding: Literal["auto", "utf-8", "gb18030", "latin-1"] = Field(
        default="auto", description="`auto` takes UTF-8 where it is valid, else GB 18030."
    )
    delimiter: str | None = Field(
        default=None,
        min_length=1,
        max_length=1,
        description="Between cells; without, a tab in `.tsv` and a comma in all others.",
    )
    sheet: str | int | None = Field(
        default=None, description="xlsx: the sheet's name or number; else the first visible one."
    )
    header_row: Literal["auto"] | Annotated[int, Field(ge=1, le=1000)] = Field(
        default="auto", description="xlsx: the number of the first row of the header."
    )
    dates: tuple[str, ...] = Field(
        default=(), description="xlsx: columns whose plain numbers are Excel's count of days."
    )
    skip_rows: SkipRows | None = Field(default=None, description="Rows that are no records.")
