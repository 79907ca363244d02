"""Why somebody may not come in, or an account not be changed."""

from pipelines.errors import Grid135Error


class AccessError(Grid135Error):
    """Somebody may not come in, or an account cannot be changed so; ``why`` is a text key.

    ``detail`` is the value that it is about.
    """

    def __init__(self, why: str, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}" if detail else why)
        self.why = why
        self.detail = detail
