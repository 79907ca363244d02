"""Home Assistant's discovery messages: which topic says what about which device.

The rules are those of its page "MQTT", sections on discovery, ``binary_sensor`` and ``sensor``:
``<prefix>/<component>/[<node>/]<object>/config``, abbreviated keys, ``~`` for the base topic, and
one message for all entities of a device (``<prefix>/device/…/config``).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pipelines.decoders.iot_push.envelope import ONLINE, shown
from pipelines.errors import BadRecordError

ALARM = "(alarm)"
STATES = {
    ALARM: "alarm",
    "(tamper)": "tamper",
    "(low_battery)": "low_battery",
    "(fault)": "fault",
    "(power)": "power",
}
"""The columns with a condition, ``on`` or ``off``, and the word for it."""
BATTERY_COLUMN = "(battery)"
MEASURED = {
    name: f"(measured.{name})"
    for name in (
        "temperature", "humidity", "voltage", "current", "power", "energy", "signal_strength",
        "pressure", "gas", "carbon_monoxide", "carbon_dioxide", "illuminance", "pm25",
    )
}  # fmt: skip
"""The device classes of measured values that are kept → their columns."""

_CLASSES = {
    "tamper": ("(tamper)", False),
    "battery": ("(low_battery)", False),
    "problem": ("(fault)", False),
    "power": ("(power)", True),
    "connectivity": (ONLINE, False),
}
"""The device class of a binary sensor → its column, and whether ``on`` is the good state."""
_MEASURING = {**MEASURED, "battery": BATTERY_COLUMN}
_SHORT = {
    "avty": "availability", "avty_mode": "availability_mode", "avty_t": "availability_topic",
    "avty_tpl": "availability_template", "cmps": "components", "dev": "device",
    "dev_cla": "device_class", "ids": "identifiers", "obj_id": "object_id", "p": "platform",
    "pl_avail": "payload_available", "pl_not_avail": "payload_not_available",
    "pl_off": "payload_off", "pl_on": "payload_on", "stat_t": "state_topic", "t": "topic",
    "uniq_id": "unique_id", "unit_of_meas": "unit_of_measurement", "val_tpl": "value_template",
}  # fmt: skip
_PLAIN = re.compile(r"\{\{\s*value(?:_json)?((?:\.\w+|\[['\"][^'\"\]]+['\"]\])*)\s*\}\}")
_NAME = re.compile(r"\.(\w+)|\[['\"]([^'\"\]]+)['\"]\]")


class Meant(NamedTuple):
    """What a topic says about a device: a column, and the text in it for each payload.

    ``path`` is where in a JSON payload it stands; None when the template is one that only Home
    Assistant can work out. ``texts`` is empty for a measured value, which is kept with its unit.
    """

    topic: str
    device: str
    column: str
    path: tuple[str, ...] | None
    texts: Mapping[str, str]
    unit: str = ""


def is_description(topic: str, prefix: str) -> bool:
    """Whether a topic is that of a discovery message."""
    return topic.startswith(f"{prefix}/") and topic.endswith("/config") and topic.count("/") >= 3


def read(topic: str, message: Any, *, prefix: str, alarms: frozenset[str]) -> list[Meant]:
    """What a discovery message says; raises BadRecordError when it is none."""
    if not isinstance(message, Mapping):
        raise BadRecordError("(payload)", shown(message), "is no JSON object")
    whole = _long(message)
    _, component, *_, name, _ = topic.removeprefix(prefix).split("/")
    found: list[Meant] = []
    if component != "device":
        return list(_entity(component, name, whole, alarms))
    components = whole.get("components")
    if not isinstance(components, Mapping):
        raise BadRecordError("components", shown(components), "is no JSON object")
    for part, said in components.items():
        if isinstance(said, Mapping):
            one = {**{k: v for k, v in whole.items() if k != "components"}, **_long(said)}
            found += _entity(shown(one.get("platform")), f"{name}-{part}", one, alarms)
    return found


def key_of(value: Any) -> str:
    """A payload, or a member of one, as it is compared: ``true``, ``on``, ``1``."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value).strip().lower()


def _entity(
    component: str, name: str, said: Mapping[str, Any], alarms: frozenset[str]
) -> Iterator[Meant]:
    device = _device(said, name)
    state = _topic(said, "state_topic")
    kind = shown(said.get("device_class"))
    path = _path(said.get("value_template"))
    if state is not None and component == "binary_sensor":
        column, is_good = (ALARM, False) if kind in alarms else _CLASSES.get(kind, ("", False))
        on, off = ("1", "0") if column == ONLINE else ("off", "on") if is_good else ("on", "off")
        texts = {
            key_of(said.get("payload_on", "ON")): on,
            key_of(said.get("payload_off", "OFF")): off,
        }
        yield Meant(state, device, column, path, texts)
    elif state is not None:
        column = _MEASURING.get(kind, "") if component == "sensor" else ""
        unit = said.get("unit_of_measurement")
        known = unit if isinstance(unit, str) and column != BATTERY_COLUMN else ""
        yield Meant(state, device, column, path, {}, known)
    yield from _availability(said, device)


def _availability(said: Mapping[str, Any], device: str) -> Iterator[Meant]:
    listed = said.get("availability")
    one = {
        "topic": said.get("availability_topic"),
        "value_template": said.get("availability_template"),
        "payload_available": said.get("payload_available", "online"),
        "payload_not_available": said.get("payload_not_available", "offline"),
    }
    for each in [*(listed if isinstance(listed, list) else []), one]:
        told = _long(each) if isinstance(each, Mapping) else {}
        topic = _topic(told | {"~": said.get("~")}, "topic")
        if topic is not None:
            texts = {
                key_of(told.get("payload_available", "online")): "1",
                key_of(told.get("payload_not_available", "offline")): "0",
            }
            yield Meant(topic, device, ONLINE, _path(told.get("value_template")), texts)


def _device(said: Mapping[str, Any], name: str) -> str:
    """What a device is called: its own identifier, which all its entities have, if there is one."""
    device = said.get("device")
    names = _long(device).get("identifiers") if isinstance(device, Mapping) else None
    first = names[0] if isinstance(names, list) and names else names
    own = first if isinstance(first, str) else said.get("unique_id")
    return own if isinstance(own, str) and own else name


def _topic(said: Mapping[str, Any], name: str) -> str | None:
    topic, base = said.get(name), said.get("~")
    if not isinstance(topic, str) or not topic:
        return None
    if isinstance(base, str) and topic.startswith("~"):
        return base + topic[1:]
    return topic[:-1] + base if isinstance(base, str) and topic.endswith("~") else topic


def _path(template: Any) -> tuple[str, ...] | None:
    if template is None:
        return ()
    plain = _PLAIN.fullmatch(template.strip()) if isinstance(template, str) else None
    if plain is None:
        return None
    return tuple(dotted or quoted for dotted, quoted in _NAME.findall(plain[1]))


def _long(said: Mapping[str, Any]) -> dict[str, Any]:
    return {_SHORT.get(name, name): value for name, value in said.items()}
