"""The example configuration for the 12345 hotline, on a file as the hotline exports it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.door.receipt import Counts
from pipelines.installation import Installation, open_installation
from pipelines.settings import load
from pipelines.store import schema
from tests.builders import MUCH_LATER
from tests.pipelines.connectors.workbooks import a_workbook
from tests.pipelines.installations import a_file, drop

EXAMPLE = Path(__file__).parents[3] / "config" / "12345-example.toml"
EMPTY = [None] * 10
HEAD: list[list[Any]] = [
    ["12345热线工单明细（2026年3月）", *EMPTY],
    ["导出时间：2026-03-03", None, None, None, None, None, "导出人：热线中心", *EMPTY[:4]],
    ["工单编号", "受理时间", "派单时间", "签收时间", "办结时间", "事项分类", None, "事发地址",
     "经度", "纬度", "承办单位", "办理状态"],
    [None, None, None, None, None, "大类", "小类", *EMPTY[:5]],
]  # fmt: skip
MERGED = (
    "A1:L1", "A2:F2", "G2:L2", *(f"{c}3:{c}4" for c in "ABCDEHIJKL"), "F3:G3",
)  # fmt: skip
CASES: list[list[Any]] = [
    ["HZ260302001", "2026-03-02 08:32:00", "2026-03-02 08:40:00", None, None, "矛盾纠纷", "邻里",
     "钱江路1号", 120.2168, 30.2436, "城管中队", "办理中"],
    ["HZ260302002", 46083.36, 46083.37, 46083.38, 46083.5, "市容环卫", "占道经营",
     "新塘路2号", "120.2168", "30.2436", "城管中队", "已办结"],
    ["HZ260302003", "2026/03/02 09:00:00", None, None, None, "市容环卫", "噪声",
     "新塘路3号", None, None, None, "撤销"],
]  # fmt: skip
TOTAL = [["合 计", 3, *EMPTY], [*EMPTY, "制表：李四"]]


def an_export(*cases: list[Any]) -> bytes:
    formats = {f"{column}6": "yyyy/m/d h:mm" for column in "BCDE"}
    return a_workbook([*HEAD, *cases, *TOTAL], merged=MERGED, formats=formats)


def the_street(folder: Path) -> Installation:
    (folder / "12345").mkdir(parents=True)
    config = a_file(folder / "street.toml", EXAMPLE.read_text(encoding="utf-8"))
    return open_installation(
        load({"GRID135_DATA": str(folder / "data")}, str(config)), replayed=False
    )


def taken_in(street: Installation) -> Counts:
    (source,) = street.sources
    with street.store.reading() as reader:
        positions = reader.positions(source.id)
    counts = Counts()
    for batch in source.poller.poll(positions, now=MUCH_LATER):
        counts += street.door.accept(source, batch, now=MUCH_LATER)
    return counts


def test_the_example_reads_an_export_of_the_hotline(tmp_path: Path) -> None:
    street = the_street(tmp_path)
    drop(tmp_path / "12345" / "3月.xlsx", an_export(*CASES))

    counts = taken_in(street)

    assert counts.problems == ()
    assert (counts.stored, counts.quarantined) == (3, 0)
    with street.store.reading() as reader:
        facts = list(reader.rows(schema.fact.select()))
    moments = {datetime.fromtimestamp(f.at_ms / 1000, UTC) for f in facts if f.at_ms is not None}
    assert datetime(2026, 3, 2, 0, 32, tzinfo=UTC) in moments
    assert datetime(2026, 3, 2, 4, 0, tzinfo=UTC) in moments
    assert datetime(2026, 3, 2, 1, 0, tzinfo=UTC) in moments


def test_a_longer_file_or_one_renamed_brings_only_what_is_new(tmp_path: Path) -> None:
    street = the_street(tmp_path)
    file = drop(tmp_path / "12345" / "3月.xlsx", an_export(*CASES[:2]))
    taken_in(street)

    drop(file, an_export(*CASES))
    longer = taken_in(street)
    file.rename(file.with_name("4月.xlsx"))
    renamed = taken_in(street)

    assert (longer.read, longer.stored) == (1, 1)
    assert (renamed.read, renamed.stored, renamed.duplicate) == (3, 0, 3)


def test_a_file_that_cannot_be_read_is_set_aside_once_with_its_name(tmp_path: Path) -> None:
    street = the_street(tmp_path)
    for name in ("a.xlsx", "b.xlsx"):
        drop(tmp_path / "12345" / name, an_export(*CASES)[:-50])

    counts = taken_in(street)

    assert counts.quarantined == 2
    assert [(p.file, p.value) for p in counts.problems] == [
        ("12345/a.xlsx", "a.xlsx"),
        ("12345/b.xlsx", "b.xlsx"),
    ]
    assert taken_in(street).read == 0
