"""What a person sees whose address asks for something that is not there, with a way back."""

from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from dashboard.addresses import address, resolved
from dashboard.pages import PAGES
from dashboard.text import DEFAULT_LANGUAGE, LANGUAGES, say_in

_PAGE = """<!DOCTYPE html>
<html lang="{lang}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" type="image/svg+xml" href="/assets/favicon.svg">
<link rel="stylesheet" href="/assets/10-tokens.css">
<link rel="stylesheet" href="/assets/60-gate.css">
<title>{title}</title></head>
<body class="gate"><main class="gate-card"><h1>{title}</h1><p>{sentence}</p>
<p class="gate-problem" role="alert"><code>{detail}</code></p>
<p><a href="{href}">{back}</a></p></main></body></html>"""


def refusal(request: Request, error: ValueError, status: int) -> Response:
    """A page for a browser, and one plain line for a program."""
    if "text/html" not in request.headers.get("accept", ""):
        return PlainTextResponse(str(error), status)
    language = request.query_params.get("lang", DEFAULT_LANGUAGE)
    say = say_in(language if language in LANGUAGES else DEFAULT_LANGUAGE)
    page, named = resolved(request.scope["path"])
    known = page in PAGES
    what = "filter" if known else "page"
    body = _PAGE.format(
        lang={"zh": "zh-CN"}.get(say.language, say.language),
        title=escape(say(f"refusal.no_{what}")),
        sentence=escape(say(f"refusal.hint_{what}")),
        detail=escape(str(error)),
        href=escape(address(page, named, say.language) if known else f"/?lang={say.language}"),
        back=escape(say("refusal.same_page" if known else "refusal.to_street")),
    )
    return HTMLResponse(body, status, {"Cache-Control": "no-store"})
