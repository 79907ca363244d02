"""People who are known elsewhere: what a provider or a directory says of them, and their role."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pipelines.errors import Grid135Error, SettingsError
from pipelines.privacy.clearance import Role
from pipelines.privacy.scope import Scope


class OutsideError(Grid135Error):
    """Somebody cannot be let in by what is known elsewhere; ``why`` is a text key.

    The message is for the process's log: it names what is wrong and nothing personal.
    """

    def __init__(self, why: str, detail: str) -> None:
        super().__init__(f"{why}: {detail}")
        self.why = why


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """Somebody as another place knows them.

    ``scope`` is the code of the area or grid they are confined to, empty for the whole, and None
    where their groups say nothing of it.
    """

    name: str
    role: Role
    scope: str | None = None


class Grants:
    """What groups give: a role each, and where areas are set, a scope.

    ``areas`` says by group the code of an area or a grid. Raises SettingsError for one that is not
    among the ``scopes``; ``where`` is the setting that holds them.
    """

    def __init__(
        self,
        roles: Mapping[str, Role],
        areas: Mapping[str, str],
        scopes: Iterable[Scope] = (),
        *,
        where: str = "[access]",
    ) -> None:
        paths = {scope.code: scope.path for scope in scopes}
        for group, code in areas.items():
            if code not in paths:
                raise SettingsError(
                    f"{where} areas: {group!r} = {code!r}: there is no such area or grid; "
                    "use a code of the boundary file or of the list of areas"
                )
        self._roles = {group.casefold(): role for group, role in roles.items()}
        self._paths = {group.casefold(): paths[code] for group, code in areas.items()}

    def known(self, name: str, groups: Iterable[str]) -> Known:
        """Who somebody of these groups is: the highest role, and the widest scope.

        A group is named whole, or by the ``cn`` that a directory's name begins with. Raises
        OutsideError when no group gives a role, none gives a scope where areas are set, or two
        give scopes side by side: nobody gets more than one, and it is not for us to choose.
        """
        names = [one for group in groups for one in _names(group)]
        roles = [self._roles[one] for one in names if one in self._roles]
        if not roles:
            raise OutsideError("no_role", "none of the person's groups is in [access] roles")
        return Known(name=name, role=max(roles, key=list(Role).index), scope=self._scope(names))

    def _scope(self, names: Iterable[str]) -> str | None:
        if not self._paths:
            return None
        given = {self._paths[one] for one in names if one in self._paths}
        widest = [path for path in given if not any(_lies_in(path, one) for one in given)]
        if len(widest) != 1:
            why = "two_areas" if widest else "no_scope"
            raise OutsideError(why, f"the person's groups give {len(widest)} areas, not one")
        (path,) = widest
        return "" if len(path) == 1 else path[-1]


def _lies_in(path: tuple[str, ...], wider: tuple[str, ...]) -> bool:
    return len(wider) < len(path) and path[: len(wider)] == wider


def _names(group: str) -> tuple[str, ...]:
    folded = group.casefold()
    first = folded.split(",", 1)[0]
    return (folded, first.removeprefix("cn=")) if first.startswith("cn=") else (folded,)
