"""Ways within the page of a grid: the same page, with the incidents behind one number."""

from dashboard.addresses import address
from dashboard.elements import html
from dashboard.text import Say
from dashboard.tokens import DEFAULT_THEME
from pipelines.gridfile.file import GridFile


def grid_link(code: str, say: Say, *, pick: str | None = None, theme: str = DEFAULT_THEME) -> str:
    """The page of a grid; ``pick`` opens the incidents behind one of its numbers."""
    look = theme if theme != DEFAULT_THEME else None
    return address("grid", {"code": code, "pick": pick, "theme": look}, say.language)


def number(file: GridFile, n: int, pick: str, say: Say, text: str | None = None) -> html.A:
    """A number that opens into its incidents."""
    href = grid_link(file.code, say, pick=pick, theme=file.theme)
    return html.A(text or str(n), href=href, className="number" if n else "number is-none")
