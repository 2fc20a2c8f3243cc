"""What every page shares: French dates and numbers, lists in the URL, headers, error pages, request identity."""

import json
import logging
import math
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import phonenumbers
import sqlalchemy as sa
from babel.dates import format_date
from babel.numbers import format_decimal
from flask import Flask, Response, current_app, g, redirect, render_template, request, session
from flask.json.provider import DefaultJSONProvider
from flask.typing import ResponseReturnValue
from flask_compress import Compress
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from cityjobs.core import permissions
from cityjobs.core.clock import PARIS, day_of, today
from cityjobs.core.db import rollback
from cityjobs.core.forms import clean

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)
STATIC = Path(__file__).parents[1] / "static"
NARROW = "\u202f"
_ASTRAY = re.compile(r"[\x00-\x20\x7f\\]")
"""Signs that a browser drops or turns round in an address, so that it would lead to another host."""
_UNKEPT = re.compile(r"[\x00\ud800-\udfff]")
csrf = CSRFProtect()

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


# French dates and numbers


def day(moment: date | datetime | None) -> str:
    """« lun. 3 mars 2026 », « mar. 1er sept. 2026 »"""
    return "" if moment is None else _dated(moment, "EEE {} MMM y")


def day_short(moment: date | datetime | None) -> str:
    """« 3 mars », « 1er sept. »"""
    return "" if moment is None else _dated(moment, "{} MMM")


def month(moment: date) -> str:
    """« mars 2026 »"""
    return format_date(moment, "MMMM y", locale="fr")


def hour(moment: datetime | time | None) -> str:
    """« 14 h 30 »: an instant as it is in Paris, or an hour as it is."""
    if moment is None:
        return ""
    local = moment.astimezone(PARIS) if isinstance(moment, datetime) else moment
    return f"{local.hour}{NARROW}h{NARROW}{local.minute:02}"


def ago(moment: date | datetime | None, since: date | None = None) -> str:
    """« hier », « il y a 12 jours », « dans 3 jours »; weeks from 21 days, months from 60."""
    if moment is None:
        return ""
    days = ((since or today()) - _as_day(moment)).days
    if abs(days) <= 1:
        return {0: "aujourd’hui", 1: "hier", -1: "demain"}[days]
    span = abs(days)
    if span >= 730:
        amount = f"{span // 365} ans"
    elif span >= 60:
        amount = f"{span // 30} mois"
    elif span >= 21:
        amount = f"{span // 7} semaines"
    else:
        amount = f"{span} jours"
    return f"il y a {amount}" if days > 0 else f"dans {amount}"


def number(amount: float | int | None, digits: int = 0) -> str:
    """« 1 234 », with narrow no-break spaces."""
    if amount is None:
        return "–"
    return format_decimal(round(amount, digits), format=f"#,##0.{'#' * digits}", locale="fr").replace(
        "\xa0", NARROW
    )


def percent(share: float | None) -> str:
    """« 54 % » of a share between 0 and 1."""
    return "–" if share is None else f"{number(share * 100)}{NARROW}%"


def phone(e164: str | None) -> str:
    """« 06 12 34 56 78 », or the international form of a foreign number."""
    if not e164:
        return ""
    parsed = phonenumbers.parse(e164)
    style = (
        phonenumbers.PhoneNumberFormat.NATIONAL
        if parsed.country_code == 33
        else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
    return str(phonenumbers.format_number(parsed, style))


def mailbox(email: str) -> str:
    """The address of a link that writes to somebody: whatever is in it, it stays the name of a mailbox (RFC 6068)."""
    return "mailto:" + quote(email, safe="@+")


def _dated(moment: date | datetime, pattern: str) -> str:
    on = _as_day(moment)
    return format_date(on, pattern.format("1'er'" if on.day == 1 else "d"), locale="fr")


def _as_day(moment: date | datetime) -> date:
    return day_of(moment) if isinstance(moment, datetime) else moment


# Lists whose whole state is in the URL


@dataclass(frozen=True)
class Page:
    """One page of rows: which, of how many, and how many rows there are in all."""

    rows: Sequence[Any]
    number: int
    size: int
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are; at least one."""
        return last_page(self.total, self.size)

    @property
    def has_prev(self) -> bool:
        """Whether there is a page before this one."""
        return self.number > 1

    @property
    def has_next(self) -> bool:
        """Whether there is a page after this one."""
        return self.number < self.pages

    @property
    def first(self) -> int:
        """The rank of the first row shown."""
        return (self.number - 1) * self.size + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """The rank of the last row shown."""
        return self.first + len(self.rows) - 1 if self.rows else 0


def last_page(total: int, size: int) -> int:
    """The number of the last page of so many rows, at least 1."""
    return max(1, math.ceil(total / size))


def page_asked(load: Callable[[int], Page]) -> Page:
    """The page that the URL asks for, or the last one: rows may have gone since it was shown.

    `load` gives a page by its number; it knows the total only where there are rows.
    """
    page = load(page_number())
    if page.rows or page.number == 1:
        return page
    first = load(1)
    return load(first.pages) if first.pages > 1 else first


def page_number() -> int:
    """The page asked for in the URL, from 1."""
    asked = request.args.get("page", "1")
    return min(max(1, int(asked[:9])), 100_000) if asked.isdecimal() else 1


def words_sought(name: str = "q", longest: int = 100) -> str:
    """The words of a search in the URL, as they would be kept in a form; empty when there are none."""
    return (clean(request.args.get(name)) or "")[:longest]


def url_with(**changes: object) -> str:
    """The present URL with some of its query changed; None removes; the page starts again at 1."""
    args: dict[str, list[str]] = {
        name: values for name, values in request.args.to_dict(flat=False).items() if name != "page"
    }
    for name, value in changes.items():
        if value is None:
            args.pop(name, None)
        else:
            args[name] = [str(each) for each in value] if isinstance(value, (list, tuple)) else [str(value)]
    query = urlencode(args, doseq=True)
    return f"{request.path}?{query}" if query else request.path


def safe_next(target: str | None, fallback: str) -> str:
    """A path of this house to go on to, or the fallback: never another host."""
    if not target or not target.startswith("/") or target.startswith("//"):
        return fallback
    return fallback if _ASTRAY.search(target) else target


# Static files


def read_manifest() -> dict[str, str]:
    """Names of built files by their source names; empty before the front end was built."""
    path = STATIC / "manifest.json"
    return json.loads(path.read_text()) if path.exists() else {}


# The frame


class Json(DefaultJSONProvider):
    """JSON as scripts send it: what can be kept of its texts, and never so deep that reading it fails."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """What was sent, without NUL nor halves of characters. Raises ValueError."""
        try:
            return _without_unkept(super().loads(s, **kwargs))
        except RecursionError:
            raise ValueError("nested too deep") from None


def _without_unkept(sent: Any) -> Any:
    if isinstance(sent, str):
        return _UNKEPT.sub("", sent)
    if isinstance(sent, list):
        return [_without_unkept(each) for each in sent]
    if isinstance(sent, dict):
        return {_without_unkept(name): _without_unkept(each) for name, each in sent.items()}
    return sent


def compress_pages(app: Flask) -> None:
    """Pages leave compressed for whoever reads that; built files were compressed once and for all.

    What a page repeats of a visitor's words cannot be used to guess its token by its length (BREACH): the cookie is
    SameSite=Lax, another site's requests come without it.
    """
    app.config.setdefault("COMPRESS_ALGORITHM", ["zstd", "br", "gzip"])
    app.config.setdefault("COMPRESS_MIMETYPES", ["text/html", "application/json"])
    app.config.setdefault("COMPRESS_STREAMS", False)
    Compress(app)


def begin_request() -> None:
    """Give each request an identifier that logs, audit and error pages share."""
    g.request_id = uuid.uuid4().hex[:12]


def dress(response: Response) -> Response:
    """Pages and downloads are kept by no cache, and carry the identifier of their request."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Request-Id"] = g.get("request_id", "")
    return response


def dress_all(served: "WSGIApplication") -> "WSGIApplication":
    """Headers on every answer: of Flask, of the static files, of whatever fails before or after both."""

    def dressed(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        missing = {**HEADERS, "Cache-Control": "no-store"}
        if environ["wsgi.url_scheme"] == "https":
            missing["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

        def begin(status: str, headers: list[tuple[str, str]], *failure: Any) -> Any:
            said = {name.lower() for name, _ in headers}
            headers += [(name, value) for name, value in missing.items() if name.lower() not in said]
            return start(status, headers, *failure)

        return served(environ, begin)

    return dressed


def asked_by_script() -> bool:
    """Whether a script waits for this answer, to which a whole page would mean nothing."""
    return (
        request.path.startswith("/brouillons/")
        or "HX-Request" in request.headers
        or request.headers.get("Accept", "").startswith("application/json")
    )


def bare(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """An answer without a body, for a script."""
    return Response("", status, dict(headers or {}), mimetype="text/plain")


def error_page(status: int, **facts: object) -> tuple[str, int]:
    """The page of one kind of failure, with its incident number."""
    known = (
        status
        if status in (400, 401, 403, 404, 405, 409, 413, 429, 500, 503)
        else (400 if status < 500 else 500)
    )
    return render_template(f"errors/{known}.html", request_id=g.get("request_id", ""), **facts), status


def on_http_error(error: HTTPException) -> ResponseReturnValue:
    """Any refusal of the frame, as a page or as a bare status for scripts."""
    rollback()
    status = error.code or 500
    if error.response is not None:
        return error.response
    if asked_by_script():
        return bare(status)
    answer = error_page(status, description=error.description)
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return answer[0], status, headers


def forget_forms() -> None:
    """Refuse from now on the forms of pages already open in this browser: they were made for another Cité."""
    session.pop(current_app.config["WTF_CSRF_FIELD_NAME"], None)
    g.pop(current_app.config["WTF_CSRF_FIELD_NAME"], None)


def on_csrf_error(_error: CSRFError) -> ResponseReturnValue:
    """A form whose token is missing or foreign."""
    rollback()
    return error_page(400, token_refused=True)


def on_stale(_error: StaleDataError) -> ResponseReturnValue:
    """Somebody else saved the same row in the same instant."""
    rollback()
    return error_page(409)


AWAY_STATES = ("08", "25006", "25P03", "25P04", "53", "57P")
"""How a server that is going, coming, full, on its knees or only a copy says so.

Source: PostgreSQL, appendix A, SQLSTATE classes 08, 53 and 57P, and 25006, 25P03, 25P04.
"""


PARCOURS_ENDED = "PJ409"
"""How the database refuses what would be added to a parcours that somebody closed meanwhile (migration 0035)."""


def is_database_away(error: sa.exc.SQLAlchemyError) -> bool:
    """Whether this says that the database cannot be used now, and nothing about what was asked of it."""
    if isinstance(error, (sa.exc.OperationalError, sa.exc.TimeoutError, sa.exc.PendingRollbackError)):
        return True
    if not isinstance(error, sa.exc.DBAPIError):
        return False
    if error.connection_invalidated or isinstance(error, sa.exc.InterfaceError):
        return True
    return (getattr(error.orig, "sqlstate", None) or "").startswith(AWAY_STATES)


def on_database_failure(error: sa.exc.SQLAlchemyError) -> ResponseReturnValue:
    """The database cannot be used now: say so, never show an empty list. Any other failure of it is an error of ours."""
    if getattr(getattr(error, "orig", None), "sqlstate", None) == PARCOURS_ENDED:
        rollback()
        return bare(409) if asked_by_script() else error_page(409, has_ended=True)
    if not is_database_away(error):
        raise error
    cause = getattr(error, "orig", None) or error
    log.error("database_unreachable", extra={"failure": type(cause).__name__})
    rollback()
    if asked_by_script():
        return bare(503, {"Retry-After": "10"})
    return *error_page(503), {"Retry-After": "10"}


def redirect_after(target: str) -> ResponseReturnValue:
    """After a successful post: go there with a fresh GET."""
    return redirect(target, 303)


def init_app(app: Flask) -> None:
    """Filters, globals, headers, error pages and static files."""
    csrf.init_app(app)
    app.json = Json(app)
    app.jinja_env.autoescape = True
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    for shape in (day, day_short, month, hour, ago, number, percent, phone, mailbox):
        app.add_template_filter(shape)
    manifest = read_manifest()

    def asset(name: str) -> str:
        return f"/static/{manifest.get(name, name)}"

    app.jinja_env.globals.update(asset=asset, url_with=url_with, can=permissions.can, today=today)
    app.before_request(begin_request)
    app.after_request(dress)
    compress_pages(app)
    app.register_error_handler(HTTPException, on_http_error)
    app.register_error_handler(CSRFError, on_csrf_error)
    app.register_error_handler(StaleDataError, on_stale)
    app.register_error_handler(sa.exc.SQLAlchemyError, on_database_failure)
    if STATIC.is_dir():
        app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
            app.wsgi_app,
            root=str(STATIC),
            prefix="static/",
            immutable_file_test=r"^.+\.[0-9a-f]{8,}\..+$",
            max_age=3600,
        )
    app.wsgi_app = dress_all(app.wsgi_app)  # type: ignore[method-assign, assignment]
    if proxies := app.config.get("TRUSTED_PROXIES"):
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]
