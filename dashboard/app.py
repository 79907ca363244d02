"""The Dash application: pages and their frame, nothing else. What is on them comes by stream."""

import base64
import hashlib
import json
import re
from pathlib import Path

import flask
from dash import Dash, html

from dashboard.addresses import STREET, resolved
from dashboard.pages import PAGES
from dashboard.text import DEFAULT_LANGUAGE, LANGUAGES, Say, say_in

ASSETS = Path(__file__).parent.parent / "assets"
_ANEW = Path(__file__).with_name("anew.js").read_text(encoding="utf-8")
_HTML_LANG = {"zh": "zh-CN"}
_FOR_SCRIPTS = (
    "duration",
    "date",
    "live",
    "open",
    "source",
    "age",
    "canary",
    "reveal",
    "screen",
    "sound",
    "debug",
    "list",
    "find",
    "remark",
    "playback",
    "act",
)
"""The groups of sentences that the page's scripts fill in by themselves."""
PAGE_PARAMETER = "page"
"""What the server adds to the requests of Dash's own scripts: the page they were loaded by."""
_FRAME = """<!DOCTYPE html>
<html lang="{lang}" data-page="{page}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" type="image/svg+xml" href="/assets/favicon.svg">
<title>{title}</title>
<script>{anew}</script>
{css}
</head>
<body class="is-connecting">
<script type="application/json" id="grid135">{page_config}</script>
{app_entry}
<footer>{config}{scripts}{renderer}</footer>
</body>
</html>"""


class _App(Dash):
    """Dash, with the frame of a page in the language of its URL.

    Its scripts ask below the page's own path, so that the server knows which page they mean.
    """

    def _config(self) -> dict[str, object]:
        config: dict[str, object] = super()._config()  # type: ignore[no-untyped-call]
        page = resolved(flask.request.path)[0] if flask.has_request_context() else ""
        return config | {"requests_pathname_prefix": f"/{page}/" if page in PAGES else "/"}

    def csp_hashes(self, hash_algorithm: str = "sha256") -> list[str]:
        """What a content security policy must let through: Dash's own, and the frame's."""
        digest = base64.b64encode(hashlib.new(hash_algorithm, _ANEW.encode()).digest()).decode()
        own = f"'{hash_algorithm}-{digest}'"
        return [own, *super().csp_hashes(hash_algorithm)]

    def interpolate_index(self, **parts: str) -> str:  # type: ignore[override]
        """The HTML around the page."""
        language = flask.request.args.get("lang", DEFAULT_LANGUAGE)
        page = resolved(flask.request.path)[0]
        known = language in LANGUAGES and page in PAGES
        say = say_in(language if known else DEFAULT_LANGUAGE)
        return _FRAME.format(
            lang=_HTML_LANG.get(say.language, say.language),
            page=page if known else "",
            title=say(f"page.{page}") if known else "Grid135",
            anew=_ANEW,
            css=parts["css"],
            page_config=_page_config(say),
            app_entry=parts["app_entry"],
            config=parts["config"],
            scripts=_scripts(parts["scripts"], page),
            renderer=parts["renderer"],
        )


def create_dash() -> Dash:
    """The pages."""
    app = _App(
        __name__,
        assets_folder=str(ASSETS),
        serve_locally=True,
        update_title="",
        title="Grid135",
    )

    def layout() -> html.Main:
        asked = flask.request.args.get(PAGE_PARAMETER) if flask.has_request_context() else None
        return html.Main(PAGES[asked if asked in PAGES else "wall"].layout())

    app.layout = layout
    return app


_OF_LISTS = re.compile(r"<script[^>]*/dash_ag_grid/[^>]*></script>")


def _scripts(scripts: str, page: str) -> str:
    """Dash's scripts; the grid of the desk's list, over a megabyte, only where it is used."""
    return scripts if page == STREET else _OF_LISTS.sub("", scripts)


def _page_config(say: Say) -> str:
    texts = {
        f"{group}.{key}": text for group in _FOR_SCRIPTS for key, text in say.group(group).items()
    }
    config = json.dumps({"lang": say.language, "texts": texts}, ensure_ascii=False)
    return config.replace("</", "<\\/")
