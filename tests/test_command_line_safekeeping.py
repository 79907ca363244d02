"""Backing up, restoring and copying from the command line, accounts included."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app import main
from dashboard.access.engine import kept_at
from dashboard.access.keeper import Keeper
from dashboard.access.person import Role
from pipelines.settings import Settings, load
from tests.pipelines.installations import a_call, a_config, as_csv, drop, the_grids
from tests.stores import environ_of, kept_in


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installation with one incident and one account."""
    the_grids(tmp_path)
    drop(tmp_path / "calls.csv", as_csv([a_call("A-1", arrived=280, resolved=600)]))
    file = str(a_config(tmp_path))
    use(tmp_path / "data", monkeypatch)
    assert main(["import", "--config", file]) == 0
    with closing(Keeper(kept_at(settings(tmp_path / "data", file)))) as keeper:
        keeper.invite("li.na", Role.SUPERVISOR, by="test", now=datetime(2026, 11, 1, tzinfo=UTC))
    return file


def use(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRID135_DATA", str(data))


def settings(data: Path, config: str, **more: str) -> Settings:
    return load({"GRID135_DATA": str(data), **more}, config)


def accounts(of: Settings) -> list[str]:
    with closing(Keeper(kept_at(of))) as keeper:
        return [row.name for row in keeper.accounts()]


def arrived(config: str, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["kpi", "--config", config, "--from", "2000-01-01", "--json"]) == 0
    return capsys.readouterr().out


def test_what_was_backed_up_comes_back_with_its_figures_and_accounts(
    config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures, file = arrived(config, capsys), str(tmp_path / "backup")

    assert main(["backup", file, "--config", config]) == 0
    assert main(["restore", file, "--check", "--config", config]) == 0
    use(tmp_path / "new", monkeypatch)
    assert main(["restore", file, "--config", config]) == 0

    assert arrived(config, capsys) == figures
    assert accounts(settings(tmp_path / "new", config)) == ["li.na"]


def test_a_store_is_not_restored_over_another(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["backup", str(tmp_path / "backup"), "--config", config])

    assert main(["restore", str(tmp_path / "backup"), "--config", config]) == 2

    assert "the target is not empty" in capsys.readouterr().err


def test_a_store_moves_from_sqlite_to_postgresql_with_its_figures_and_accounts(
    config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = arrived(config, capsys)
    with kept_in("postgresql"):
        url = environ_of(tmp_path)["GRID135_STORE"]

        assert main(["db", "copy", "--to", url, "--config", config]) == 0

        assert "the same digest there" in capsys.readouterr().out
        monkeypatch.setenv("GRID135_STORE", url)
        assert arrived(config, capsys) == figures
        there = settings(tmp_path / "data", config, GRID135_STORE=url)
        assert accounts(there) == ["li.na"]


def test_there_is_nothing_to_back_up_before_there_is_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    the_grids(tmp_path)
    use(tmp_path / "data", monkeypatch)

    assert main(["backup", str(tmp_path / "b"), "--config", str(a_config(tmp_path))]) == 2

    assert "there is no store yet" in capsys.readouterr().err
