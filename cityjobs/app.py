"""The front door: builds the application from its rooms, and knows them all."""

from collections.abc import Mapping
from typing import IO, Any

import click
from flask import (
    Flask,
    Request,
    Response,
    current_app,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
)
from flask.cli import AppGroup
from flask.typing import ResponseReturnValue

from cityjobs.absences import views as absences
from cityjobs.accounts import tasks as account_tasks
from cityjobs.accounts import views as accounts
from cityjobs.assets import showcase
from cityjobs.coordination import views as coordination
from cityjobs.core import audit, db, heartbeat, jobs, journal, metrics, permissions, post, tracker, web
from cityjobs.core.permissions import PUBLIC, SIGNED_IN, requires, signed_in
from cityjobs.desk import views as desk
from cityjobs.diagnosis import views as diagnosis
from cityjobs.followups import views as followups
from cityjobs.parcours import views as parcours
from cityjobs.people import views as people
from cityjobs.plans import views as plans
from cityjobs.reminders import tasks as reminder_tasks
from cityjobs.reminders import views as reminders
from cityjobs.reporting import tasks as reporting_tasks
from cityjobs.reporting import views as reporting
from cityjobs.territory import views as territory
from cityjobs.vocabulary import views as vocabulary

ROOMS = (
    accounts,
    account_tasks,
    reminders,
    reminder_tasks,
    coordination,
    absences,
    people,
    parcours,
    diagnosis,
    followups,
    plans,
    desk,
    territory,
    vocabulary,
    reporting,
    reporting_tasks,
)

ENTRANCES = (
    ("day.see", "/ma-journee"),
    ("coordination.see", "/coordination"),
    ("people.list", "/personnes"),
    ("pilotage.see", "/pilotage"),
    ("cite.edit", "/administration"),
)


NAVIGATION = (
    ("day.see", "Ma journée", "/ma-journee", "sun"),
    ("people.list", "Personnes", "/personnes", "people"),
    ("coordination.see", "Coordination", "/coordination", "diagram-3"),
    ("pilotage.see", "Pilotage", "/pilotage", "bar-chart"),
    ("organisations.edit", "Annuaire", "/administration/organisations", "journal-text"),
    ("accounts.manage", "Comptes", "/administration/comptes", "person-badge"),
    ("cite.edit", "Administration", "/administration", "sliders"),
)


class Commands(AppGroup):
    """The commands, read when one is asked for: a process that serves pages is smaller without them."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self.app, self.read = app, False

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        self._read()
        return super().list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them."""
        self._read()
        return super().get_command(ctx, cmd_name)

    def _read(self) -> None:
        if not self.read:
            self.read = True
            from flask_migrate import Migrate

            from cityjobs import cli

            Migrate(self.app, db.db, directory="migrations")
            cli.init_app(self.app)


class Received(Request):
    """A request whose files are closed with it, also those of a form that was refused while it was being read."""

    def _get_file_stream(self, *told: Any, **more: Any) -> IO[bytes]:
        stream = super()._get_file_stream(*told, **more)
        self._received = [*getattr(self, "_received", ()), stream]
        return stream

    def close(self) -> None:
        """Close them."""
        super().close()
        for stream in getattr(self, "_received", ()):
            stream.close()


class Application(Flask):
    """Flask, where a view's success is committed before its answer leaves the try block."""

    request_class = Received

    def __init__(self, name: str) -> None:
        super().__init__(name, template_folder="../templates", static_folder=None)
        self.cli = Commands(self)

    def dispatch_request(self) -> Response:
        """Run the view, then commit or roll back."""
        return audit.settle(make_response(super().dispatch_request()))


def create_app(config: Mapping[str, object]) -> Flask:
    """The web application; raises RouteWithoutPermission when a route names none."""
    app = Application(__name__)
    app.config.update(config)
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", None)
    for part in (journal, db, post, tracker, web, metrics):
        part.init_app(app)
    jobs.create_celery(app)
    for room in ROOMS:
        room.init_app(app)
    app.before_request(permissions.gate)
    app.add_url_rule("/", "home", home)
    app.add_url_rule("/healthz", "healthz", healthz)
    if app.config["ENVIRONMENT"] != "production":
        app.add_url_rule("/composants", "composants", composants)
    app.context_processor(navigation)
    permissions.check_every_route(app)
    return app


def navigation() -> dict[str, object]:
    """The rail: only what the person may open; the deepest matching entry is the current one."""
    shown = [entry for entry in NAVIGATION if permissions.can(entry[0])]
    here = max(
        (href for _, _, href, _ in shown if f"{request.path}/".startswith(f"{href}/")), key=len, default=None
    )
    return {
        "navigation": [
            {"label": label, "href": href, "icon": icon, "current": href == here, "count": None, "hot": False}
            for _, label, href, icon in shown
        ]
    }


@requires(SIGNED_IN)
def home() -> ResponseReturnValue:
    """Each role's own first page."""
    target = next((path for needed, path in ENTRANCES if permissions.can(needed)), "/compte")
    return redirect(target) if signed_in().role else redirect("/compte")


@requires(PUBLIC)
def healthz() -> ResponseReturnValue:
    """Whether every part lives; 503 when one does not. No personal data."""
    health = heartbeat.examine(current_app)
    return jsonify(health), 200 if health["ok"] else 503


@requires(PUBLIC)
def composants() -> ResponseReturnValue:
    """Every component of the interface in every state."""
    return render_template("composants.html", **showcase.samples())
