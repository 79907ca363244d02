"""Names of people in free text: found by what stands around them, and masked to their surname.

A name alone cannot be told from other words without a dictionary of everything, so only what says
of itself that it is a name is masked: after a word such as 报警人 or 姓名, before 先生 or 女士,
and in the columns of a record that hold one. Whoever writes a name elsewhere in a text is not
found; a kind whose texts must not be seen at all is marked ``sensitive``.
"""

import re
from collections.abc import Callable
from functools import partial

_SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏窦章云苏潘葛奚范彭郎"
    "鲁韦昌马苗凤花方俞任袁柳鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟黄"
    "和穆萧尹姚邵湛汪祁毛禹狄米贝明臧计伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童"
    "颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍虞万支柯昝管卢莫经房裘缪干解应宗丁宣邓郁单杭洪包诸左石崔"
    "吉钮龚程嵇邢裴陆荣翁荀羊甄曲封芮储靳段焦巴谷车侯全郗班仰秋仲伊宫宁仇栾甘厉祖武符刘景詹束龙"
    "叶司黎薄印宿白蒲鄂索赖卓蔺屠蒙池乔闻党翟谭贡姬申冉桑桂牛寿边燕冀尚农温庄晏瞿阎连习艾鱼容向"
    "古易廖终衡步都耿满匡国文寇广东欧利师巩聂关荆游权盖益桓公岳帅涂肖"
)
_DOUBLE = "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|令狐|宇文|长孙|慕容|司徒|司空|夏侯"
_SURNAME = rf"(?:{_DOUBLE}|[{_SURNAMES}])"
_HAN = r"[\u4e00-\u9fff]"
_NOT_A_NAME = (
    "方便|高空|高层|高温|高处|高坠|安全|安装|明确|明显|水管|车辆|车库|车位|路面|路灯|路边|路口|金属|白天|"
    "温度|成功|常见|经常|经营|时间|时常|平时|马上|于是|和谐|任何|万一|关于|关闭|张贴|施工|应该|管道|严重|"
    "元旦|钱包|毛病|花坛|花园|程序|项目|方面|方向|连续|连接|全部|都是|都有|向上|向下|强烈|公园|公司|公共|"
    "国家|东西|东边|文明|文化|广场|广告|单元|单位|包括|包裹|支付|计划|解决|乐器|宠物|符合|房屋|房间|房东|"
    "易燃|古树|容易|满意|利用|游客|权益|终于|步行|尚未|向其|和其|时被|于今|于昨|于家|房内|车内|路过|路上"
)
_WHO = (
    "报警人|报案人|来电人|投诉人|举报人|求助人|反映人|诉求人|联系人|当事人|申请人|负责人|监护人|患者|病人|"
    "伤者|死者|姓名|户主|业主|住户|租户|居民|市民|群众|嫌疑人|受害人|被害人|家属|老人|司机|驾驶员|乘客|"
    "学生|儿童|男子|女子"
)
_TITLE = "先生|女士|小姐|老师|师傅|阿姨|大爷|大妈|奶奶|爷爷|同志|医生|警官|某某|某"
_AFTER = (
    rf"(?=$|[^\u4e00-\u9fff]|{_TITLE}|称|说|反映|来电|电话|手机|身份|报警|报案|投诉|举报|求助|因|被|与|和|及|"
    r"已|正|的|在|家|住|受伤|摔|晕|昏|突发|自称|表示|要求|希望|从|向|将|把|对|到|需|自述|等|男|女)"
)
_GIVEN = rf"{_HAN}{{1,2}}?"
_BETWEEN = r"""["']?[\s　]*(?:[:：=,，]|为|是|叫|名叫|姓名)?[\s　"'（(]*"""

_AFTER_A_WORD = re.compile(rf"((?:{_WHO}){_BETWEEN})(?!{_NOT_A_NAME})({_SURNAME}){_GIVEN}{_AFTER}")
_BEFORE_A_TITLE = re.compile(rf"(?<!{_HAN})(?!{_NOT_A_NAME})({_SURNAME}){_HAN}{{1,2}}(?={_TITLE})")
_IN_A_COLUMN = re.compile(
    r"""(["']?(?:caller|contact|reporter|complainant|patient|person|full|first|last|real|user)_?"""
    r"""(?:name)?["']?\s*[:=]\s*["']?)([^\W\d_])[^\W\d_]+(?:[ .·'-]+[^\W\d_]+){0,3}""",
    re.IGNORECASE,
)


_RULES = (
    # what stands before the name, how much of it is left
    (_AFTER_A_WORD, 1, 2),
    (_BEFORE_A_TITLE, 0, 1),
    (_IN_A_COLUMN, 1, 2),
)


def names_masked(text: str, note: Callable[[str, str], None] | None = None) -> str:
    """The text with every name that says of itself that it is one cut to its surname.

    ``note`` is told of each: the name, and what stands for it now.
    """
    for pattern, before, left in _RULES:
        text = pattern.sub(partial(_cut, before=before, left=left, note=note), text)
    return text


def _cut(
    found: re.Match[str], *, before: int, left: int, note: Callable[[str, str], None] | None
) -> str:
    ahead = found[before] if before else ""
    mask = f"{found[left]}**"
    if note is not None:
        note(found[0].removeprefix(ahead), mask)
    return ahead + mask
