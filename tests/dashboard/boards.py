"""The boards of the wall with sensible defaults, and an incident that takes it over."""

import json
from dataclasses import replace
from datetime import timedelta

from pipelines.model.device import Condition
from pipelines.snapshot import (
    Ailing,
    CommunityBoard,
    CommunityState,
    ComplaintBoard,
    Critical,
    DeviceAlarm,
    DeviceBoard,
    Due,
    FunnelLimit,
    NearUnit,
    Standing,
    UnitSpot,
)
from tests.dashboard.street import (
    CENTRE_LAT,
    CENTRE_LON,
    COMMUNITIES,
    NOW,
    a_dated_complaint,
    an_incident,
    grid_codes,
)

_DEVICES = [
    (
        round(CENTRE_LAT + i % 20 * 0.0011 - 0.011, 6),
        round(CENTRE_LON + i // 20 * 0.0016 - 0.0152, 6),
    )
    for i in range(380)
]


def device_places() -> bytes:
    """Where the devices of the street hang, as the file says it."""
    return json.dumps(_DEVICES).encode()


def some_units() -> tuple[UnitSpot, ...]:
    """A patrol that says where it is, and a station that does not."""
    spot = {
        "names": {"zh": "三叉社区巡逻队", "en": "Sancha Patrol"},
        "type": "patrol",
        "strength": 15,
    }
    near = {"lat": CENTRE_LAT + 0.002, "lon": CENTRE_LON - 0.003, "is_first": True}
    far = {"lat": CENTRE_LAT - 0.004, "lon": CENTRE_LON + 0.005, "is_first": True}
    seen = NOW - timedelta(seconds=20)
    return (
        UnitSpot(code="patrol-01", seen_at=seen, **spot, **near),  # type: ignore[arg-type]
        UnitSpot(code="station-01", seen_at=None, **spot, **far),  # type: ignore[arg-type]
    )


def a_device_board(alarms: int = 1, **changes: object) -> DeviceBoard:
    """The devices of a street, some of them ailing."""
    rows = tuple(
        DeviceAlarm(
            source="fire_alarm",
            device=f"33010201400{i:02d}/1/1/65541",
            names={"zh": f"怡和花园{i + 5}层感烟", "en": f"Yihe Garden {i + 5}F smoke detector"},
            place=f"新塘路 327 号怡和花园 {i + 5} 层",
            community="c07",
            since=NOW - timedelta(seconds=134 + 60 * i),
        )
        for i in range(alarms)
    )
    board = DeviceBoard(
        registered=380,
        heard=371,
        holding={
            Condition.ALARM: alarms,
            Condition.FAULT: 3,
            Condition.MUTED: 1,
            Condition.LOW_BATTERY: 12,
        },
        silent=5,
        unknown=0,
        alarms=rows,
        troubles=tuple(
            DeviceAlarm(
                source="ctwing",
                device=f"8600{i:02d}",
                names={"zh": f"钱运公寓{i + 1}幢独立烟感", "en": f"Qianyun block {i + 1} detector"},
                place=f"富春路 {i + 11} 号钱运公寓 {i + 1} 幢",
                community="c10",
                since=NOW - timedelta(hours=5 + 9 * i),
                condition=Condition.FAULT,
            )
            for i in range(3)
        ),
        communities={code: 30 + i for i, code in enumerate(COMMUNITIES)},
        places="d1",
        placed=len(_DEVICES),
        ailing={Ailing.ALARM: tuple(range(alarms)), Ailing.TROUBLE: (101, 202, 303)},
    )
    return replace(board, **changes)  # type: ignore[arg-type]


def a_complaint_board(**changes: object) -> ComplaintBoard:
    """The complaints of an ordinary day."""
    hours = (-26.0, -3.5, -0.4, 0.6, 1.5, 2.5, 3.2, 4.1, 6.0, 8.5, 23.0, 30.0)
    titles = ("夜间施工噪音", "物业费纠纷", "占道经营", "拖欠工资", "油烟扰民", "漏水")
    rows = tuple(
        a_dated_complaint(
            i * 5,
            left_h=left,
            title=titles[i % 6],
            id=f"{i + 900:032x}",
            kind_names={"zh": "12345 诉求", "en": "12345 complaint"},
        )
        for i, left in enumerate(hours)
    )
    counts = {Due.OVERDUE: 3, Due.SOON: 2, Due.IN_TIME: 18}
    board = ComplaintBoard(
        open=23,
        by_due=counts,
        came_today=12,
        closed_today=9,
        has_targets=True,
        rows=rows,
        by_community={
            code: {
                Due.OVERDUE: int(i % 4 == 1),
                Due.SOON: int(i % 3 == 2),
                Due.IN_TIME: (i * 7) % 5,
            }
            for i, code in enumerate(COMMUNITIES)
        },
    )
    return replace(board, **changes)  # type: ignore[arg-type]


def a_community_board(**changes: object) -> CommunityBoard:
    """Eleven communities, one of them not by chance below the others."""
    counts = ((31, 33), (18, 20), (42, 44), (9, 9), (27, 28), (12, 13), (55, 71), (4, 4), (0, 0),
              (23, 25), (16, 17))  # fmt: skip
    quiet = (4, 11, 2, None, 19, 6, 0, None, None, 1, 9)
    open_now = (1, 0, 2, 0, 1, 0, 5, 0, 0, 1, 0)
    rate = sum(k for k, _ in counts) / sum(n for _, n in counts)
    states = []
    for i, (code, (zh, en)) in enumerate(COMMUNITIES.items()):
        hit, known = counts[i]
        few, bad = known < 10, i == 6
        states.append(
            CommunityState(
                code=code,
                names={"zh": zh, "en": en},
                open=open_now[i],
                hit=hit,
                known=known,
                standing=Standing.TOO_FEW if few else Standing.FAR_BELOW if bad else Standing.USUAL,
                quiet_days=quiet[i],
                lat=CENTRE_LAT,
                lon=CENTRE_LON,
                zoom=15.0,
                grids=tuple(grid_codes()[i::11]),
            )
        )
    limits = tuple(
        FunnelLimit(
            known=n,
            low=max(0.0, rate - 1.96 * (rate * (1 - rate) / n) ** 0.5),
            high=min(1.0, rate + 1.96 * (rate * (1 - rate) / n) ** 0.5),
            far_low=max(0.0, rate - 3.09 * (rate * (1 - rate) / n) ** 0.5),
            far_high=min(1.0, rate + 3.09 * (rate * (1 - rate) / n) ** 0.5),
        )
        for n in range(10, 81, 5)
    )
    board = CommunityBoard(
        days=30, known_days=30, as_of=NOW, rate=rate, communities=tuple(states), limits=limits
    )
    return replace(board, **changes)  # type: ignore[arg-type]


def a_critical(**changes: object) -> Critical:
    """A smoke alarm half a minute ago, with the three units nearest to it."""
    critical = Critical(
        incident=an_incident(
            32, age_s=34, stopped=1, severity=1, address="新塘路 327 号怡和花园 5 层"
        ),
        until=NOW + timedelta(seconds=56),
        nearest=tuple(
            NearUnit(
                code=f"station-{i:02d}",
                names={"zh": f"{name}微型消防站", "en": f"{name} fire post"},
                type="fire_station",
                distance_m=180 + 240 * i,
                strength=6 + i,
            )
            for i, name in enumerate(("怡和花园", "江锦社区", "钱江苑"))
        ),
    )
    return replace(critical, **changes)  # type: ignore[arg-type]
