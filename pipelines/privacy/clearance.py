"""What whoever looks may be shown. It comes from their session, never from what they ask for."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Writing(StrEnum):
    """Whether what people say is taken from whoever looks, and if not, why."""

    MAY = "may"
    ROLE = "role"
    """Their role is too low."""
    OPEN = "open"
    """Nobody is asked for a name here."""


class Role(StrEnum):
    """What somebody is; each may do all that the ones before it may."""

    WALL = "wall"
    """A screen on the wall: it looks, masked, and does nothing."""
    VIEWER = "viewer"
    """查看: looks at everything, masked."""
    SUPERVISOR = "supervisor"
    """值班长, 网格长: sees what sensitive incidents are about, and may reveal one value."""
    DUTY = "duty"
    """值班员."""
    ADMIN = "admin"
    """管理员: may also look after accounts, walls and sources."""

    def may(self, least: "Role") -> bool:
        """Whether this role is at least ``least``."""
        order = list(Role)
        return order.index(self) >= order.index(least)


@dataclass(frozen=True, kw_only=True, slots=True)
class Clearance:
    """What a screen may show. Part of every view: views of different clearance share nothing.

    Without any it is a wall's, so that who forgets to say whose eyes it is for shows the least.
    """

    role: Role = Role.WALL
    scope: str | None = None
    """The code of the area or grid outside of which nothing is there for them; None: the whole."""

    @property
    def sees_sensitive(self) -> bool:
        """Whether words of a sensitive kind are shown, masked; its exact place never is."""
        return self.role.may(Role.SUPERVISOR)

    @property
    def may_reveal(self) -> bool:
        """Whether single masked values may be asked for, with a reason."""
        return self.role.may(Role.SUPERVISOR)

    @property
    def may_export_all(self) -> bool:
        """Whether rows are given away as they are listed, and not only where many are alike."""
        return self.role.may(Role.SUPERVISOR)

    @property
    def may_write(self) -> bool:
        """Whether notes, pins and hand-overs are taken from them."""
        return self.role.may(Role.SUPERVISOR)

    def may_rehearse(self, *, asks_who: bool) -> bool:
        """Whether they may send a canary through a source; where nobody is asked, all may."""
        return not asks_who or self.role.may(Role.SUPERVISOR)

    def writing(self, *, asks_who: bool) -> Writing:
        """The same, with the reason; ``asks_who`` says that people have names here."""
        if not asks_who:
            return Writing.OPEN
        return Writing.MAY if self.may_write else Writing.ROLE

    def at_most(self, role: Role) -> "Clearance":
        """This clearance, or that of ``role`` where it is less: for a screen in a room."""
        return self if role.may(self.role) else replace(self, role=role)


LEAST = Clearance()
"""What a screen in a room shows, whoever logged in there."""
