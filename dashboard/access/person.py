"""Who is asking, and what that lets them see and do."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from pipelines.privacy.clearance import Clearance
from pipelines.privacy.clearance import Role as Role


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """Somebody whose request this is."""

    name: str
    role: Role
    scope: str | None = None
    """The code of the area or grid outside of which nothing is there for them; None: the whole."""

    @property
    def clearance(self) -> Clearance:
        """What they may be shown."""
        return Clearance(role=self.role, scope=self.scope)


ANYBODY = Person(name="", role=Role.VIEWER)
"""Who asks where nobody is asked for a name: a viewer, and no more than that."""


def person_of(request: HTTPConnection) -> Person:
    """Who asks, as the guard has found; on a site without one, anybody."""
    found = getattr(request.state, "person", None)
    return found if isinstance(found, Person) else ANYBODY
