"""How long what names people is kept, and how few may stand alone in an export."""

from datetime import timedelta

from pydantic import Field, field_validator

from pipelines.reading.options import Duration, Options

LOGS_KEPT = timedelta(days=180)
"""The shortest time that network logs are to be kept (Cybersecurity Law of the PRC, article 21)."""


class PrivacySettings(Options):
    """Terms after which personal content is removed; figures, stamps and verdicts stay for ever."""

    keep_raw: Duration | None = Field(
        default=None,
        description="How long the bytes of a record are kept after it was received, in reports, "
        "device signals and quarantine; for ever if left away.",
    )
    keep_words: Duration | None = Field(
        default=None,
        description="How long titles, addresses and doubtful values are kept after the last "
        "record of an incident; for ever if left away.",
    )
    keep_audit: Duration | None = Field(
        default=None,
        description='How long the audit log is kept, at least `"180d"`; what is cut is sealed, so '
        "that the rest can still be proved. For ever if left away.",
    )
    k: int = Field(
        default=5,
        ge=1,
        le=1000,
        description="An export shows no combination of place, time and kind that fewer incidents "
        "than this share; `1` lets every row out.",
    )

    @field_validator("keep_audit")
    @classmethod
    def _long_enough(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value < LOGS_KEPT:
            raise ValueError(f"must be at least {LOGS_KEPT.days}d")
        return value

    @property
    def has_terms(self) -> bool:
        """Whether anything is removed at all."""
        return any(term is not None for term in (self.keep_raw, self.keep_words, self.keep_audit))
