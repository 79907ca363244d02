"""Who may be shown what, and what may name a person."""
