"""Errors, named by what the caller should do about them."""


class Grid135Error(Exception):
    """Anything this product says is wrong, in words meant for the person who can mend it."""


class SettingsError(Grid135Error):
    """A setting is wrong: do not start; the message names file, key, value, rule and a way out."""


class SourceUnavailableError(Grid135Error):
    """The source cannot be reached or read now: try again later."""


class SourceConfigError(Grid135Error):
    """The source cannot work as configured: stop this one, run the others."""


class BadRecordError(Grid135Error):
    """One record makes no sense: keep it in quarantine and go on with the next."""

    def __init__(self, column: str, value: str, rule: str) -> None:
        super().__init__(f"column {column!r}, value {value!r}: {rule}")
        self.column = column
        self.value = value
        self.rule = rule


class StoreBehindError(SettingsError):
    """The store is of another version than this program: do not start; the message says how on."""


class StoreUnavailableError(Grid135Error):
    """The store cannot be opened: there is no answer from it, or it is no store."""


class TransferError(Grid135Error):
    """A store could not be copied, backed up or restored; nothing was changed by trying."""


class QueryError(Grid135Error, ValueError):
    """A question cannot be answered as asked; the message says what is allowed."""


class NotStoredError(Grid135Error):
    """Records could not be stored now: do not acknowledge them, their sender sends them again."""
