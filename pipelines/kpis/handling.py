"""How a grid finds and settles things by itself: two shares, each with its coverage.

A share is of those incidents only whose source could have said otherwise: a source that never
tells a patrol's find from a report proves nothing about finding, and one that never states a
dispatch proves nothing about settling without one. The rest lowers the coverage.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pipelines.kpis.kpi import Better, Unit, Value
from pipelines.kpis.rates import share, wilson


@dataclass(frozen=True, kw_only=True, slots=True)
class Handling:
    """What is counted, of incidents that are neither drill, scheduled, merged nor elsewhere.

    ``found`` by a patrol and ``reported`` from outside are of sources that tell the two apart;
    ``untold`` are those of the other sources. ``resolved`` are of sources that state dispatches
    or in which the grids' own people write; ``alone`` of those were the grid's own or found by its
    patrols, and nobody was sent. ``unsaid`` were resolved too, and belong to the other sources.
    """

    found: int = 0
    reported: int = 0
    untold: int = 0
    alone: int = 0
    resolved: int = 0
    unsaid: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class HandlingKpi:
    """One figure of a grid: its id (the key in the JSON), its meaning, and how it is computed."""

    id: str
    name: str
    definition: str
    unit: Unit
    better: Better
    value: Callable[[Handling], Value]


DISCOVERY = HandlingKpi(
    id="discovery",
    name="Proactive discovery",
    definition="Found by a patrol, of those and the ones reported from outside; of sources that "
    "have told the two apart in the year before.",
    unit=Unit.SHARE,
    better=Better.HIGHER,
    value=lambda n: share(n.found, n.found + n.reported),
)
DISCOVERY_WILSON = HandlingKpi(
    id="discovery_wilson",
    name="95 % interval of discovery",
    definition="Wilson score interval of the proactive discovery.",
    unit=Unit.INTERVAL,
    better=Better.NEITHER,
    value=lambda n: wilson(n.found, n.found + n.reported),
)
DISCOVERY_COVERAGE = HandlingKpi(
    id="discovery_coverage",
    name="Coverage of discovery",
    definition="The share of incidents whose source tells a patrol's find from a report.",
    unit=Unit.SHARE,
    better=Better.HIGHER,
    value=lambda n: share(n.found + n.reported, n.found + n.reported + n.untold),
)
SELF_RESOLUTION = HandlingKpi(
    id="self_resolution",
    name="Self-resolution",
    definition="Entered by the grids' own people (`[grids] own_sources`) or found by a patrol, and "
    "resolved without a dispatch or a unit; of all resolved, of those sources and the ones that "
    "have stated a dispatch in the year before.",
    unit=Unit.SHARE,
    better=Better.NEITHER,
    value=lambda n: share(n.alone, n.resolved),
)
SELF_RESOLUTION_WILSON = HandlingKpi(
    id="self_resolution_wilson",
    name="95 % interval of self-resolution",
    definition="Wilson score interval of the self-resolution.",
    unit=Unit.INTERVAL,
    better=Better.NEITHER,
    value=lambda n: wilson(n.alone, n.resolved),
)
SELF_RESOLUTION_COVERAGE = HandlingKpi(
    id="self_resolution_coverage",
    name="Coverage of self-resolution",
    definition="The share of resolved incidents whose source would have stated a dispatch.",
    unit=Unit.SHARE,
    better=Better.HIGHER,
    value=lambda n: share(n.resolved, n.resolved + n.unsaid),
)

HANDLING: tuple[HandlingKpi, ...] = (
    DISCOVERY,
    DISCOVERY_WILSON,
    DISCOVERY_COVERAGE,
    SELF_RESOLUTION,
    SELF_RESOLUTION_WILSON,
    SELF_RESOLUTION_COVERAGE,
)


def handling_figures(counted: Handling) -> Mapping[str, Value]:
    """Every figure of one grid, by id."""
    return {kpi.id: kpi.value(counted) for kpi in HANDLING}
