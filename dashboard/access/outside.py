"""People who are known elsewhere: what a provider or a directory says of them, and their role."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipelines.clearance import Role
from pipelines.errors import Grid135Error


class OutsideError(Grid135Error):
    """Somebody cannot be let in by what is known elsewhere; ``why`` is a text key.

    The message is for the process's log: it names what is wrong and nothing personal.
    """

    def __init__(self, why: str, detail: str) -> None:
        super().__init__(f"{why}: {detail}")
        self.why = why


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """Somebody as another place knows them."""

    name: str
    role: Role


def role_of(groups: Iterable[str], roles: Mapping[str, Role]) -> Role:
    """The highest role that somebody's groups give; raises OutsideError when none does.

    A group is named whole, or by the ``cn`` that a directory's name begins with.
    """
    by_name = {group.casefold(): role for group, role in roles.items()}
    found = [by_name[name] for group in groups for name in _names(group) if name in by_name]
    if not found:
        raise OutsideError("no_role", "none of the person's groups is in [access] roles")
    return max(found, key=list(Role).index)


def _names(group: str) -> tuple[str, ...]:
    folded = group.casefold()
    first = folded.split(",", 1)[0]
    return (folded, first.removeprefix("cn=")) if first.startswith("cn=") else (folded,)
