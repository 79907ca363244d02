"""The samples for operators name only commands, settings and files that there are."""

import re
import tomllib
from argparse import _SubParsersAction
from configparser import RawConfigParser
from pathlib import Path

import pytest

import app

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "docs" / "operations"
TEXTS = sorted(f for f in SAMPLES.rglob("*") if f.is_file() and f.suffix not in {".json", ".png"})
UNITS = sorted((SAMPLES / "systemd").iterdir())
OWN = {"GRID135_DATABASE_PASSWORD"}
"""Variables that a sample makes up, for a secret that the configuration names."""


def words() -> set[str]:
    """The first word of every command."""
    actions = app._parser()._actions
    return {name for a in actions if isinstance(a, _SubParsersAction) for name in a.choices}


def read_variables() -> set[str]:
    """The environment's variables that some code reads."""
    code = "\n".join(f.read_text("utf-8") for f in (ROOT / "pipelines").rglob("*.py"))
    prefixed = {f"GRID135_{name}" for name in ("HOST", "PORT", "CONFIG", "DATA")}
    return prefixed | set(re.findall(r"GRID135_[A-Z_]+", code))


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.name)
def test_every_command_of_a_sample_is_one(file: Path) -> None:
    asked = re.findall(r"app\.py ([a-z-]+)", file.read_text("utf-8"))

    assert set(asked) <= words()


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.name)
def test_every_variable_of_a_sample_is_read_by_the_product(file: Path) -> None:
    named = {name.rstrip("_") for name in re.findall(r"GRID135_[A-Z_]+", file.read_text("utf-8"))}

    assert named - OWN <= read_variables()


def test_what_the_image_copies_is_there() -> None:
    lines = (SAMPLES / "Dockerfile").read_text("utf-8").splitlines()
    copied = [name for line in lines if line.startswith("COPY") for name in line.split()[1:-1]]

    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_the_image_runs_the_python_that_the_project_asks_for() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    image = re.search(r"FROM python:([\d.]+)", (SAMPLES / "Dockerfile").read_text("utf-8"))

    assert image is not None
    assert wanted["requires-python"] == f">={image[1]}"


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.name)
def test_every_unit_can_be_read_and_runs_as_nobody_special(file: Path) -> None:
    unit = RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(file.read_text("utf-8"))

    assert unit.has_section("Unit")
    if file.suffix == ".service":
        assert unit["Service"]["User"] == "grid135"
        assert unit["Service"]["NoNewPrivileges"] == "yes"
        assert unit["Service"]["ProtectSystem"] == "strict"


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.name)
def test_a_unit_makes_what_it_writes_to_and_a_call_that_is_not_allowed_kills_nobody(
    file: Path,
) -> None:
    text = file.read_text("utf-8")
    made = {f"/var/lib/{name}" for line in re.findall("StateDirectory=(.*)", text)
            for name in line.split()}  # fmt: skip

    assert set(re.findall(r"/var/[a-z0-9-]+/[a-z0-9-]+", text)) <= made
    assert ("SystemCallFilter=" in text) == ("SystemCallErrorNumber=EPERM" in text)


@pytest.mark.parametrize("file", sorted(SAMPLES.glob("upstream*.conf")), ids=lambda file: file.name)
def test_the_proxy_finds_its_servers_where_they_are_started(file: Path) -> None:
    (wanted,) = set(re.findall(r"proxy_pass http://(\w+);", (SAMPLES / "nginx.conf").read_text()))
    text = file.read_text("utf-8")
    started = (SAMPLES / "compose.yaml").read_text("utf-8")
    places = re.findall(r"^ +server (\S+?):(\d+)", text, re.MULTILINE)

    assert f"upstream {wanted} {{" in text
    assert places
    for host, port in places:
        assert (f"\n  {host}:\n" in started and port == "8050") or (
            host == "127.0.0.1" and port.startswith("805")
        )
