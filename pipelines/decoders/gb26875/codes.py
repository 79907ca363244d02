"""The tables of GB/T 26875.3-2011: numbers and bits, and what they are called."""

from collections.abc import Mapping
from functools import lru_cache

CONFIRM = 3
DENY = 6

COMMANDS: Mapping[int, str] = {
    1: "控制命令(时间同步等)",
    2: "发送数据",
    3: "确认",
    4: "请求",
    5: "应答",
    6: "否认",
}
"""Table 2: what a frame is for."""

TYPE_FLAGS: Mapping[int, str] = {
    1: "上传建筑消防设施系统状态",
    2: "上传建筑消防设施部件运行状态",
    3: "上传建筑消防设施部件模拟量值",
    4: "上传建筑消防设施操作信息",
    5: "上传建筑消防设施软件版本",
    6: "上传建筑消防设施系统配置情况",
    7: "上传建筑消防设施部件配置情况",
    8: "上传建筑消防设施系统时间",
    21: "上传用户信息传输装置运行状态",
    24: "上传用户信息传输装置操作信息",
    25: "上传用户信息传输装置软件版本",
    26: "上传用户信息传输装置配置情况",
    28: "上传用户信息传输装置系统时间",
    61: "读建筑消防设施系统状态",
    62: "读建筑消防设施部件运行状态",
    63: "读建筑消防设施部件模拟量值",
    64: "读建筑消防设施操作信息",
    65: "读建筑消防设施软件版本",
    66: "读建筑消防设施系统配置情况",
    67: "读建筑消防设施部件配置情况",
    68: "读建筑消防设施系统时间",
    81: "读用户信息传输装置运行状态",
    84: "读用户信息传输装置操作信息记录",
    85: "读用户信息传输装置软件版本",
    86: "读用户信息传输装置配置情况",
    88: "读用户信息传输装置系统时间",
    89: "初始化用户信息传输装置",
    90: "同步用户信息传输装置时钟",
    91: "查岗命令",
}
"""Table 3: what the objects of an application data unit are."""

READ_SIZES: Mapping[int, int] = {
    61: 2, 62: 6, 63: 6, 64: 9, 65: 2, 66: 2, 67: 6, 68: 2,
    81: 1, 84: 7, 85: 1, 86: 1, 88: 1, 89: 1,
}  # fmt: skip
"""Bytes of the object with which the centre asks. Devices never send these: they stay raw."""

NORMAL = 0b01
"""Status bit 0 (clauses 8.2.1.1, 8.2.1.2, 8.2.1.8): set in normal running, clear in test."""
FIRE = 0b10
"""Status bit 1 (same clauses): a fire alarm, whatever bit 0 says."""

SYSTEM_STATUS_BITS = (
    "normal_run",
    "fire",
    "fault",
    "shield",
    "supervise",
    "start",
    "feedback",
    "delay",
    "main_power_fault",
    "backup_power_fault",
    "bus_fault",
    "manual",
    "config_changed",
    "reset",
)
COMPONENT_STATUS_BITS = (*SYSTEM_STATUS_BITS[:8], "power_fault")
DEVICE_STATUS_BITS = (
    "normal_run",
    "fire",
    "fault",
    "main_power_fault",
    "backup_power_fault",
    "channel_fault",
    "line_fault",
)
SYSTEM_OPERATION_BITS = (
    "reset",
    "silence",
    "manual_alarm",
    "alarm_cleared",
    "self_test",
    "confirm",
    "test",
)
DEVICE_OPERATION_BITS = (*SYSTEM_OPERATION_BITS[:5], "inspect_reply", "test")

ANALOG_TYPES: Mapping[int, tuple[str, str, int]] = {
    1: ("事件计数", "件", 1),
    2: ("高度", "m", 100),
    3: ("温度", "℃", 10),
    4: ("压力", "MPa", 10),
    5: ("压力", "kPa", 10),
    6: ("气体浓度", "%LEL", 10),
    7: ("时间", "s", 1),
    8: ("电压", "V", 10),
    9: ("电流", "A", 10),
    10: ("流量", "L/s", 10),
    11: ("流量", "m3/min", 10),
    12: ("风速", "m/s", 1),
}
"""Table 6: quantity, unit, and how many steps of the raw value make one unit."""

SYSTEM_TYPES: Mapping[int, str] = {
    0: "通用",
    1: "火灾报警系统",
    10: "消防联动控制器",
    11: "消火栓系统",
    12: "自动喷水灭火系统",
    13: "气体灭火系统",
    14: "水喷雾灭火系统(泵启动方式)",
    15: "水喷雾灭火系统(压力容器启动方式)",
    16: "泡沫灭火系统",
    17: "干粉灭火系统",
    18: "防烟排烟系统",
    19: "防火门及卷帘系统",
    20: "消防电梯",
    21: "消防应急广播",
    22: "消防应急照明和疏散指示系统",
    23: "消防电源",
    24: "消防电话",
}
"""Table 4: what kind of system reports; 128 to 255 are a vendor's own."""

COMPONENT_TYPES: Mapping[int, str] = {
    0: "通用",
    1: "火灾报警控制器",
    10: "可燃气体探测器",
    11: "点型可燃气体探测器",
    12: "独立式可燃气体探测器",
    13: "线型可燃气体探测器",
    16: "电气火灾监控报警器",
    17: "剩余电流式电气火灾监控探测器",
    18: "测温式电气火灾监控探测器",
    21: "探测回路",
    22: "火灾显示盘",
    23: "手动火灾报警按钮",
    24: "消火栓按钮",
    25: "火灾探测器",
    30: "感温火灾探测器",
    31: "点型感温火灾探测器",
    32: "点型感温火灾探测器(S型)",
    33: "点型感温火灾探测器(R型)",
    34: "线型感温火灾探测器",
    35: "线型感温火灾探测器(S型)",
    36: "线型感温火灾探测器(R型)",
    37: "光纤感温火灾探测器",
    40: "感烟火灾探测器",
    41: "点型离子感烟火灾探测器",
    42: "点型光电感烟火灾探测器",
    43: "线型光束感烟火灾探测器",
    44: "吸气式感烟火灾探测器",
    50: "复合式火灾探测器",
    51: "复合式感烟感温火灾探测器",
    52: "复合式感光感温火灾探测器",
    53: "复合式感光感烟火灾探测器",
    61: "紫外火焰探测器",
    62: "红外火焰探测器",
    69: "感光火灾探测器",
    74: "气体探测器",
    78: "图像摄像方式火灾探测器",
    79: "感声火灾探测器",
    81: "气体灭火控制器",
    82: "消防电气控制装置",
    83: "消防控制室图形显示装置",
    84: "模块",
    85: "输入模块",
    86: "输出模块",
    87: "输入/输出模块",
    88: "中继模块",
    91: "消防水泵",
    92: "消防水箱",
    95: "喷淋泵",
    96: "水流指示器",
    97: "信号阀",
    98: "报警阀",
    99: "压力开关",
    101: "阀驱动装置",
    102: "防火门",
    103: "防火阀",
    104: "通风空调",
    105: "泡沫液泵",
    106: "管网电磁阀",
    111: "防烟排烟风机",
    113: "排烟防火阀",
    114: "常闭送风口",
    115: "排烟口",
    116: "电控挡烟垂壁",
    117: "防火卷帘控制器",
    118: "防火门监控器",
    121: "警报装置",
}
"""Table 5: what kind of component reports; 128 to 255 are a vendor's own."""

SMOKE_DETECTORS = frozenset({40, 41, 42, 43, 44, 51, 53})
"""Component types that smell smoke, alone or combined with heat or light."""


def command_name(command: int) -> str:
    """What table 2 calls a command byte."""
    return COMMANDS.get(command) or ("预留" if command < 128 else "用户自定义")


def type_name(type_flag: int) -> str:
    """What table 3 calls a type flag."""
    return TYPE_FLAGS.get(type_flag) or ("预留" if type_flag < 128 else "用户自定义")


@lru_cache(maxsize=4096)
def flags(bits: tuple[str, ...], value: int) -> tuple[str, ...]:
    """The names of the bits set in ``value``, lowest first; reserved bits have no name."""
    return tuple(name for bit, name in enumerate(bits) if value >> bit & 1)
