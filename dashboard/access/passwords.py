"""Passwords: what they must be, and how they are kept (Argon2id, RFC 9106).

GB/T 22239-2019 asks for complexity and fixes no number; these are the ones reviewers look for.
"""

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

SHORTEST = 10
LONGEST = 200
CLASSES = 3

_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash("nobody has this password")


class WeakPasswordError(ValueError):
    """A password that breaks a rule; ``rule`` names it: length, classes or name."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def check(password: str, *, name: str) -> None:
    """Raise WeakPasswordError naming the rule that is broken."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPasswordError("length")
    kinds = (str.islower, str.isupper, str.isdigit, lambda c: not c.isascii() or not c.isalnum())
    if sum(any(kind(c) for c in password) for kind in kinds) < CLASSES:
        raise WeakPasswordError("classes")
    if name.lower() in password.lower():
        raise WeakPasswordError("name")


def hashed(password: str) -> str:
    """The password as it is kept."""
    return _HASHER.hash(password)


def matches(kept: str | None, password: str) -> bool:
    """Whether this is the password; takes as long when there is none, so names stay secret."""
    try:
        _HASHER.verify(kept or _NOBODY, password)
    except (Argon2Error, InvalidHashError):
        return False
    return kept is not None
