"""``app.py walls``: what an operator can have all walls do."""

import app
from pipelines.installation import open_installation
from pipelines.roles.live import Live
from tests.pipelines.installations import the_settings


def test_walls_reload_reaches_a_running_server(tmp_path, monkeypatch, capsys):
    settings = the_settings(tmp_path)
    monkeypatch.setenv("GRID135_DATA", str(tmp_path / "data"))
    live = Live(open_installation(settings, replayed=False))
    version, mark = live.version(), live.reload_mark()
    assert mark == ""

    assert app.main(["walls", "reload", "--config", str(settings.file)]) == 0

    assert live.reload_mark() != mark
    assert live.version() != version
    assert "every wall" in capsys.readouterr().out
    first = live.reload_mark()
    app.main(["walls", "reload", "--config", str(settings.file)])
    assert live.reload_mark() != first
    live.stop()
