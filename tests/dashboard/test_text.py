"""Every language says everything, with the same blanks."""

import ast
import re
from pathlib import Path
from string import Formatter

import pytest

from dashboard.text import FALLBACK_LANGUAGE, LANGUAGES, Say, load, say_in
from dashboard.text.format import duration, since
from dashboard.text.rules import rule_in
from pipelines.model.clock import ClockState, Reading
from pipelines.model.fact import Reason
from pipelines.model.milestone import TARGETED
from pipelines.snapshot import SourceState
from tests.dashboard.builders import NOW


def blanks(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def meanings(language):
    """The keys of a language, its plural forms taken together, with their blanks."""
    found = {}
    for key, text in load(language).items():
        found.setdefault(key.removesuffix(".one").removesuffix(".other"), set()).update(
            blanks(text)
        )
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys_and_blanks(language):
    assert meanings(language) == meanings(FALLBACK_LANGUAGE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_member_of_a_closed_set_has_a_word(language):
    say = say_in(language)

    for reason in Reason:
        assert say(f"reason.{reason}")
    for state in ClockState:
        assert say(f"clock.{state}", step="5")
    for source in SourceState:
        assert say.template(f"source.{source}")
    for reading in Reading:
        assert say(f"tile.{reading}")
    for milestone in TARGETED:
        assert say(f"tile.{milestone}", minutes=5)


def stated_in_code():
    """Every sentence in the pipelines' code, as a pattern: what it fills in may be anything."""
    for file in (Path(__file__).parents[2] / "pipelines").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            texts = [p.value if isinstance(p, ast.Constant) else None for p in parts]
            literal = "".join(text for text in texts if isinstance(text, str))
            if " " in literal.strip():
                yield "".join(".+" if t is None else re.escape(str(t)) for t in texts)


RULES = {key: text for key, text in load("en").items() if key.startswith("rule.")}


def test_every_rule_that_is_translated_is_one_that_the_pipelines_state():
    stated = re.compile("|".join(set(stated_in_code())))

    assert [text for text in RULES.values() if not stated.fullmatch(text)] == []


@pytest.mark.parametrize("key", RULES)
def test_a_rule_is_said_in_the_language_of_the_screen(key):
    values = {name: f"‹{name}›" for name in blanks(RULES[key])}
    stated = RULES[key].format(**values)

    assert rule_in(stated, say_in("en")) == stated
    assert rule_in(stated, say_in("zh")) == load("zh")[key].format(**values)


def test_a_rule_that_no_language_knows_is_said_as_it_was_stated():
    assert rule_in("is odd: {x}", say_in("zh")) == "is odd: {x}"


def test_english_stands_in_for_a_missing_sentence():
    say = Say("xx", {}, {"a.b": "hello {name}"})

    assert say("a.b", name="you") == "hello you"


def test_a_key_that_no_language_has_is_a_mistake():
    with pytest.raises(KeyError, match=r"no\.such"):
        say_in("zh")("no.such")


def test_one_is_not_many_in_english():
    say = say_in("en")

    assert say("open.units", n=1) == "1 unit"
    assert say("open.units", n=2) == "2 units"


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (8, "8 秒", "8 s"),
        (120, "2 分", "2 min"),
        (7800, "2 小时 10 分", "2 h 10 min"),
        (7200, "2 小时", "2 h"),
        (45_000, "12 小时", "12 h"),
        (97_200, "1 天 3 小时", "1 d 3 h"),
        (-5, "0 秒", "0 s"),
    ],
)
def test_a_duration_in_its_largest_units(seconds, zh, en):
    assert duration(seconds, say_in("zh")) == zh
    assert duration(seconds, say_in("en")) == en


def test_a_moment_of_another_day_carries_its_date():
    assert since(NOW, NOW, "Asia/Shanghai") == "14:43"
    assert since(NOW.replace(day=21), NOW, "Asia/Shanghai") == "11-21 14:43"
