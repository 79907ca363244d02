"""The two shares of a grid: what they are of, and when there is nothing to measure."""

from pipelines.kpis.handling import HANDLING, Handling, handling_figures


def test_with_nothing_counted_there_is_nothing_to_measure() -> None:
    assert handling_figures(Handling()) == {kpi.id: None for kpi in HANDLING}


def test_discovery_is_of_sources_that_tell_finds_from_reports() -> None:
    figures = handling_figures(Handling(found=3, reported=9, untold=4))

    assert figures["discovery"] == 0.25
    assert figures["discovery_coverage"] == 0.75


def test_self_resolution_leaves_out_sources_that_state_no_dispatch() -> None:
    figures = handling_figures(Handling(alone=2, resolved=8, unsaid=2))

    assert figures["self_resolution"] == 0.25
    assert figures["self_resolution_coverage"] == 0.8


def test_every_figure_says_what_it_means() -> None:
    assert all(kpi.definition.endswith((".", ")")) and kpi.name for kpi in HANDLING)
    assert len({kpi.id for kpi in HANDLING}) == len(HANDLING)
