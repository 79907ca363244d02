"""Promises that every figure keeps."""

import pytest

from pipelines.kpis import KPIS, Kpi, figures
from pipelines.kpis.kpi import Unit
from tests.builders import an_arrival_tally

PUBLISHED = {
    "eligible",
    "hit",
    "miss",
    "unknown",
    "pending",
    "quarantined",
    "known",
    "low",
    "high",
    "coverage",
    "wilson",
    "p50_s",
    "p90_s",
    "p95_s",
    "excluded",
}

every_kpi = pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.id)


def test_every_id_is_there_once() -> None:
    ids = [kpi.id for kpi in KPIS]

    assert len(ids) == len(set(ids))
    assert set(ids) >= PUBLISHED


@every_kpi
def test_a_figure_is_named_and_defined(kpi: Kpi) -> None:
    assert kpi.name
    assert kpi.definition.endswith(".")
    assert " 0 %" not in kpi.definition


@every_kpi
def test_a_figure_of_nothing_is_a_zero_count_or_nothing_to_measure(kpi: Kpi) -> None:
    value = kpi.value(an_arrival_tally())

    expected = {Unit.INCIDENTS: 0, Unit.LEDGER: {}}
    assert value == expected.get(kpi.unit)


@every_kpi
def test_a_share_lies_between_zero_and_one(kpi: Kpi) -> None:
    value = kpi.value(an_arrival_tally(hit=3, miss=2, unknown=1))

    if kpi.unit is Unit.SHARE:
        assert isinstance(value, float)
        assert 0 <= value <= 1


def test_the_figures_of_a_clock_come_together_by_id() -> None:
    values = figures(an_arrival_tally(hit=184, miss=2))

    assert list(values) == [kpi.id for kpi in KPIS]
    assert (values["hit"], values["known"], values["coverage"]) == (184, 184 / 186, 1.0)
