"""The sources: what each one is, when it usually delivers, and how it is doing."""
