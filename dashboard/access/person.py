"""Who is asking, and what that lets them see and do."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody is; each may do all that the ones before it may."""

    WALL = "wall"
    """A screen on the wall: it looks, masked, and does nothing."""
    VIEWER = "viewer"
    """查看: looks at everything, masked."""
    SUPERVISOR = "supervisor"
    """值班长, 网格长."""
    DUTY = "duty"
    """值班员."""
    ADMIN = "admin"
    """管理员: may also look after accounts, walls and sources."""

    def may(self, least: "Role") -> bool:
        """Whether this role is at least ``least``."""
        order = list(Role)
        return order.index(self) >= order.index(least)


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody whose request this is."""

    name: str
    role: Role
