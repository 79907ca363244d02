"""The panels of the definition lab: the range, every rule, what to check, what was frozen."""
