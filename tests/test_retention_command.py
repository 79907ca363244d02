"""``app.py retention``: what an operator removes after its term, and what is written down."""

import app
from dashboard.access.keeper import Keeper
from pipelines.installation import open_installation
from tests.builders import at
from tests.pipelines.installations import a_call, content, taken_in, the_settings

TERMS = '[privacy]\nkeep_raw = "30d"\nkeep_words = "30d"\n'


def test_a_dry_run_says_what_would_go_and_the_real_one_removes_it_and_is_in_the_log(
    tmp_path, monkeypatch, capsys
):
    settings = the_settings(tmp_path, more=TERMS)
    monkeypatch.setenv("GRID135_DATA", str(tmp_path / "data"))
    installation = open_installation(settings, replayed=False)
    taken_in(installation, a_call("A-1", title="王小明"), now=at(10))
    installation.store.close()
    command = ["retention", "--config", str(settings.file)]

    assert app.main([*command, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert app.main(command) == 0

    keeper = Keeper(f"sqlite:///{tmp_path / 'data' / 'access.sqlite3'}")
    (entry,) = keeper.audit.entries()
    keeper.close()
    installation = open_installation(settings, replayed=False)
    left = repr(content(installation.store, "report", "incident"))
    installation.store.close()
    assert "raw_reports: 1 would be removed" in said
    assert (entry.act, entry.who, entry.detail["worded_incidents"]) == ("purged", "operator", 1)
    assert "王小明" not in left


def test_without_a_term_everything_is_kept_and_it_says_so(tmp_path, monkeypatch, capsys):
    settings = the_settings(tmp_path)
    monkeypatch.setenv("GRID135_DATA", str(tmp_path / "data"))

    assert app.main(["retention", "--config", str(settings.file)]) == 0
    assert "no term is set" in capsys.readouterr().out
