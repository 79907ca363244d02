"""Where the configuration keeps the store."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field
from sqlalchemy import URL

from pipelines.errors import SettingsError
from pipelines.reading.options import Options
from pipelines.store.places import Place, beside, place_of

URL_VARIABLE = "GRID135_STORE"


class StoreSettings(Options):
    """Where reports, facts and figures are kept. Without a URL: a file in the data folder."""

    url: str | None = Field(
        default=None,
        description="`postgresql+psycopg://user@host:5432/database`, without a password; "
        "`?schema=name` for a schema of its own. `GRID135_STORE` wins over it.",
    )
    password: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="The environment variable that holds the database's password.",
    )

    def place(self, environ: Mapping[str, str], file: Path, *, is_real: bool = True) -> Place:
        """Where the store is that would be in ``file``; one of a replay has a place of its own.

        Raises SettingsError; no message repeats a URL.
        """
        told = environ.get(URL_VARIABLE) or self.url
        if told is None:
            return file
        place = place_of(told)
        if isinstance(place, URL):
            place = self._with_password(place, environ, is_told=URL_VARIABLE in environ)
        return place if is_real else beside(place, file.stem)

    def _with_password(self, url: URL, environ: Mapping[str, str], *, is_told: bool) -> URL:
        if url.password is not None and not is_told:
            raise SettingsError(
                "[store]: url = …: holds a password; put it into an environment variable and "
                'name that: password = "NAME"'
            )
        if self.password is None or url.password is not None:
            return url
        secret = environ.get(self.password)
        if not secret:
            raise SettingsError(
                f"[store]: password = {self.password!r}: the environment variable is not set; "
                "it must hold the database's password"
            )
        return url.set(password=secret)
