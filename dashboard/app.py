"""The Dash application: pages and their frame, nothing else. What is on them comes by stream."""

import json
from collections.abc import Callable
from pathlib import Path

import flask
from dash import Dash, html
from dash.development.base_component import Component

from dashboard.geometry import places
from dashboard.pages import PAGES
from dashboard.text import DEFAULT_LANGUAGE, LANGUAGES, Say, say_in

ASSETS = Path(__file__).parent.parent / "assets"
_HTML_LANG = {"zh": "zh-CN"}
_FOR_SCRIPTS = ("duration", "date", "live", "open", "source")
"""The groups of sentences that the page's scripts fill in by themselves."""
_FRAME = """<!DOCTYPE html>
<html lang="{lang}" data-page="{page}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" type="image/svg+xml" href="/assets/favicon.svg">
<title>{title}</title>
{css}
</head>
<body class="is-connecting">
<script type="application/json" id="grid135">{page_config}</script>
{app_entry}
<footer>{config}{scripts}{renderer}</footer>
</body>
</html>"""


class _App(Dash):
    """Dash, with the frame of a page in the language of its URL."""

    def interpolate_index(self, **parts: str) -> str:  # type: ignore[override]
        """The HTML around the page."""
        language = flask.request.args.get("lang", DEFAULT_LANGUAGE)
        page = flask.request.path.strip("/")
        known = language in LANGUAGES and page in PAGES
        say = say_in(language if known else DEFAULT_LANGUAGE)
        return _FRAME.format(
            lang=_HTML_LANG.get(say.language, say.language),
            page=page if known else "",
            title=say(f"page.{page}") if known else "Grid135",
            css=parts["css"],
            page_config=_page_config(say),
            app_entry=parts["app_entry"],
            config=parts["config"],
            scripts=parts["scripts"],
            renderer=parts["renderer"],
        )


def create_dash(grids: Callable[[], bytes]) -> Dash:
    """The pages. ``grids`` gives the outlines whose names are written on the map."""
    app = _App(
        __name__,
        assets_folder=str(ASSETS),
        serve_locally=True,
        update_title="",
        title="Grid135",
    )

    def layout() -> Component:
        try:
            names = places(grids())
        # Names are an ornament: without the outlines the page must still open.
        except (OSError, ValueError):
            names = ()
        return html.Main(PAGES["wall"](names))

    app.layout = layout
    return app


def _page_config(say: Say) -> str:
    texts = {
        f"{group}.{key}": text for group in _FOR_SCRIPTS for key, text in say.group(group).items()
    }
    config = json.dumps({"lang": say.language, "texts": texts}, ensure_ascii=False)
    return config.replace("</", "<\\/")
