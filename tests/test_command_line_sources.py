"""The commands for whoever looks after the sources: quarantine, unmapped codes, canaries."""

import json
from pathlib import Path

import pytest

import app
from tests.builders import at
from tests.pipelines.installations import a_call, an_installation, as_csv, drop

CALLS = [
    a_call("A-1", kind="0907"),
    a_call("A-2", reported="02.03.2026 09:10:00"),
    a_call("A-3", reported="gestern"),
]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A street that has read one call, and set two aside."""
    drop(tmp_path / "calls.csv", as_csv(CALLS))
    street = an_installation(tmp_path)
    street.pull(street.sources[0], now=at(100_000))
    street.store.close()
    monkeypatch.setenv("GRID135_DATA", str(tmp_path / "data"))
    return street.settings.file


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert app.main(arguments) == 0
    return capsys.readouterr().out.splitlines()


def test_quarantine_is_listed_and_read_again(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--config", str(config))
    lines = said(capsys, "quarantine", "--source", "calls", "--limit", "1", *where)
    assert lines == [
        "calls calls.csv:3: column 'reported', value '02.03.2026 09:10:00': "
        "is not a time written as 'iso'"
    ]

    milestones = "[sources.calls.decoder.milestones]"
    german = f'time_format = ["iso", "%d.%m.%Y %H:%M:%S"]\n{milestones}'
    config.write_text(config.read_text("utf-8").replace(milestones, german), "utf-8")

    (line,) = said(capsys, "quarantine", "replay", "--json", *where)
    assert json.loads(line) == {"source": "calls", "taken_in": 1, "still": 1}
    (left,) = said(capsys, "quarantine", "--json", *where)
    assert json.loads(left)["value"] == "gestern"


def test_codes_without_a_mapping_are_printed(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (line,) = said(capsys, "unmapped", "--json", "--config", str(config))

    code = json.loads(line)
    assert (code["source"], code["column"], code["value"], code["records"]) == (
        "calls", "kind", "0907", 1,
    )  # fmt: skip


def test_a_canary_says_how_long_it_took(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = said(capsys, "canary", "--source", "calls", "--json", "--config", str(config))

    sent = json.loads(line)
    assert (sent["source"], sent["problem"], sent["was_sent"]) == ("calls", None, True)
    assert sent["took_ms"] > 0


@pytest.mark.parametrize("command", [("canary",), ("quarantine", "replay")])
def test_an_unknown_source_is_named_beside_the_known_ones(
    config: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    assert app.main([*command, "--source", "nope", "--config", str(config)]) == 2
    assert "use one of: calls" in capsys.readouterr().err


def test_a_wrong_gazetteer_is_found_by_check(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (config.parent / "places.csv").write_text("name,lat,lon\nX,north,1\n", "utf-8")
    config.write_text(config.read_text("utf-8") + '\n[gazetteer]\nfile = "places.csv"\n', "utf-8")

    assert app.main(["check", "--config", str(config)]) == 2
    assert "places.csv:2: lat = 'north': must be a number of degrees" in capsys.readouterr().err
