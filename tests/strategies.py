"""What property tests draw from: any reports that a source could send about one incident."""

from hypothesis import strategies as st

from pipelines.model.fact import Fact, Reason, Statement
from pipelines.model.incident import Incident, fold
from pipelines.model.milestone import Milestone
from pipelines.model.place import Place
from pipelines.model.stamp import Method
from tests.builders import a_statement, at

PLACES = (None, Place(), Place(37.77, -122.44), Place(address="庆春路1号"), Place(grid="G01"))

moments = st.one_of(
    st.sampled_from([-60, 0, 59, 60, 61, 179, 180, 181, 299, 300, 301, 480]),
    st.integers(-120, 1200),
).map(at)


def facts(milestone: Milestone) -> st.SearchStrategy[Fact]:
    """One milestone at any moment, or at none that is stated."""
    return st.builds(
        Fact,
        milestone=st.just(milestone),
        at=st.none() | moments,
        precision_s=st.sampled_from([1, 60]),
        method=st.sampled_from(Method),
        where=st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
    )


@st.composite
def statements(draw: st.DrawFn, key: str = "A-1") -> Statement:
    """One report about the incident ``key``; few record ids and moments, so that they collide."""
    said = draw(st.sets(st.sampled_from(Milestone)))
    return a_statement(
        key=key,
        record_id=draw(st.sampled_from(["r1", "r2", "r3"])),
        recorded=draw(st.sampled_from([0, 30, 30.5, 200, 2000])),
        ordinal=draw(st.integers(1, 2)),
        unit=draw(st.sampled_from([None, "E05", "T10"])),
        qualifies=draw(st.booleans()),
        kind=draw(st.sampled_from([None, "fire", "smoke", "noise", "unheard-of"])),
        severity=draw(st.none() | st.integers(1, 4)),
        excluded=draw(st.sampled_from([None, None, None, Reason.DRILL, Reason.PATROL_FOUND])),
        place=draw(st.sampled_from(PLACES)),
        title=draw(st.sampled_from([None, "浓烟", "Smoke"])),
        facts=tuple(draw(facts(milestone)) for milestone in Milestone if milestone in said),
    )


histories = st.lists(statements(), min_size=1, max_size=6)
"""All that was ever said about one incident, in some order, perhaps more than once."""

incidents: st.SearchStrategy[Incident] = histories.map(fold)
