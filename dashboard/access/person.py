"""Who is asking, and what that lets them see and do."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody is; each may do all that the ones before it may."""

    WALL = "wall"
    """A screen on the wall: it looks, masked, and does nothing."""
    VIEWER = "viewer"
    """查看: looks at everything in scope, masked."""
    SUPERVISOR = "supervisor"
    """值班长, 网格长: may also reveal a value for a stated reason, and export."""
    DUTY = "duty"
    """值班员: may also act on incidents."""
    ADMIN = "admin"
    """管理员: may also look after accounts, walls and sources."""

    def may(self, least: "Role") -> bool:
        """Whether this role is at least ``least``."""
        order = list(Role)
        return order.index(self) >= order.index(least)


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody whose request this is; ``scope`` is an area code prefix, empty for everywhere."""

    name: str
    role: Role
    scope: str = ""

    def may_see(self, code: str) -> bool:
        """Whether a grid or community lies in scope."""
        return code.startswith(self.scope)
