"""Commands: thin, each one transaction, done as SYSTEM."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import click
import sqlalchemy as sa
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from cityjobs.accounts.actions import AlreadyThere, Invitation, invite
from cityjobs.accounts.queries import find_cite, find_in_collective
from cityjobs.accounts.rules import DEMO_PASSWORD
from cityjobs.core import audit, outbox
from cityjobs.core.clock import PARIS, day_of, today
from cityjobs.core.db import SYSTEM, act_as, transaction
from cityjobs.core.forms import EMAIL_SHAPE
from cityjobs.core.permissions import Role, grants_table
from cityjobs.demo import actions as demo
from cityjobs.demo.loading import load_bulk
from cityjobs.demo.nation import BULK_SIZES
from cityjobs.reminders.actions import write_due_lines
from cityjobs.reminders.queries import lines_to_send
from cityjobs.reminders.rules import REMINDER_RULE_LABELS, ReminderRule, may_leave
from cityjobs.reminders.tasks import send_as_of
from cityjobs.reporting.actions import ask_again, write_monthly_reports
from cityjobs.reporting.queries import cites_named, monthly_reports
from cityjobs.reporting.rules.reports import REPORT_STATE_LABELS, ReportState, monthly_occasion
from cityjobs.reporting.tasks import compute
from cityjobs.territory.actions import Imported, create_organisation, import_qpvs, seed_reference
from cityjobs.territory.contours import BrokenFile, Rejection, features_of, read_features
from cityjobs.territory.rules import OrganisationFacts, OrganisationFamily, QpvGeneration
from cityjobs.vocabulary.actions import import_rome
from cityjobs.vocabulary.rome import MOST_REJECTED, read_edition
from cityjobs.vocabulary.rome import BrokenFile as BrokenEdition


@click.command("permissions")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def permissions_command(as_json: bool) -> None:
    """Print who may do what, and how far."""
    table = grants_table()
    if as_json:
        click.echo(json.dumps(table, ensure_ascii=False, indent=2))
        return
    rows = [["permission", *Role]]
    rows += [[line["permission"], *("+".join(line["roles"][role]) or "·" for role in Role)] for line in table]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


territory_group = AppGroup("territory", help="Cités, communes and QPV.")


@territory_group.command("seed")
def territory_seed_command() -> None:
    """Create the Cités and QPV of the reference that are missing; change nothing else."""
    act_as(SYSTEM)
    with transaction():
        seeded = seed_reference()
    click.echo(f"Cités créées : {seeded.cites}. QPV créés : {seeded.qpvs}.")


@territory_group.command("import-qpv")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--generation", type=click.Choice(["2015", "2024"]), default="2024", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def territory_import_command(file: Path, generation: str, as_json: bool) -> None:
    """Read the QPV of an official GeoJSON file (ANCT attributes); safe to run again."""
    try:
        read, rejected = read_features(features_of(file.read_bytes()), QpvGeneration(int(generation)))
    except BrokenFile as broken:
        if as_json:
            click.echo(json.dumps({"refused": str(broken)}, ensure_ascii=False))
        raise click.ClickException(f"{broken} Rien n’a été changé.") from None
    act_as(SYSTEM)
    with transaction():
        imported = import_qpvs(read)
    if as_json:
        report = {
            "created": imported.created,
            "updated": imported.updated,
            "unchanged": imported.unchanged,
            "rejected": [{"rank": each.rank, "code": each.code, "reason": each.reason} for each in rejected],
        }
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        _print_import(imported, rejected)
    if not read:
        raise SystemExit(1)


def _print_import(imported: Imported, rejected: list[Rejection]) -> None:
    click.echo(
        f"Créés : {len(imported.created)}. Mis à jour : {len(imported.updated)}. "
        f"Inchangés : {len(imported.unchanged)}. Rejetés : {len(rejected)}."
    )
    for each in rejected:
        click.echo(f"  élément {each.rank}, {each.code or 'sans code'} : {each.reason}")


vocabulary_group = AppGroup("vocabulary", help="Names of occupations.")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@vocabulary_group.command("import-rome")
@click.argument("codes", type=_FILE)
@click.argument("names", type=_FILE)
def vocabulary_import_command(codes: Path, names: Path) -> None:
    """Read one edition of the ROME: its codes, then its names (France Travail, CSV); safe to run again."""
    try:
        edition = read_edition(codes.read_bytes(), names.read_bytes())
    except BrokenEdition as broken:
        raise click.ClickException(f"{broken} Rien n’a été changé.") from None
    act_as(SYSTEM)
    with transaction():
        imported = import_rome(edition.names)
    click.echo(
        f"Créées : {imported.created}. Mises à jour : {imported.updated}. Inchangées : {imported.unchanged}. "
        f"Retirées : {imported.removed}. Rejetées : {len(edition.rejected)}."
    )
    for line, reason in edition.rejected[:MOST_REJECTED]:
        click.echo(f"  ligne {line} : {reason}")


@click.command("demo")
@click.option("--if-empty", is_flag=True, help="Do nothing when somebody works here already.")
@click.option("--seed", default=2026, show_default=True, help="Another number, another story.")
@click.option(
    "--size",
    type=click.Choice(["small", "normal", *BULK_SIZES]),
    default="normal",
    show_default=True,
    help="large: 14 Cités, 25 000 parcours; national: 84 Cités, 250 000 parcours. Both need OWNER_DATABASE_URL.",
)
@click.option("--accounts", is_flag=True, help="Only list the accounts offered on the sign-in page.")
@with_appcontext
def demo_command(if_empty: bool, seed: int, size: str, accounts: bool) -> None:
    """Load fictional people into an empty database. Never in production."""
    if current_app.config["ENVIRONMENT"] == "production":
        raise click.ClickException("Refusé : des personnes fictives n’ont pas leur place en production.")
    act_as(SYSTEM)
    with transaction():
        if accounts:
            offered = demo.one_click_accounts()
            if offered:
                click.echo(f"Comptes de démonstration, mot de passe {DEMO_PASSWORD} :")
            for account in offered:
                click.echo(f"  {account.label:<22}{account.cite.capitalize():<10}{account.email}")
            return
        if if_empty and not demo.is_empty():
            click.echo("La base n’est pas vide : rien n’a été ajouté.")
            return
    try:
        loaded = _load_demo(seed, size)
    except demo.NotEmpty:
        raise click.ClickException("La base n’est pas vide : rien n’a été ajouté.") from None
    click.echo(f"Démonstration : {loaded['person']} personnes fictives, {loaded['interview']} échanges.")


def _load_demo(seed: int, size: str) -> Mapping[str, int]:
    if size not in BULK_SIZES:
        with transaction():
            return demo.load_demo(seed, today(), size)
    owner = current_app.config["OWNER_DATABASE_URI"]
    if not owner:
        raise click.ClickException(
            "Cette taille est écrite par le propriétaire des tables : indiquez OWNER_DATABASE_URL."
        )
    with transaction():
        demo.prepare_reference()
    return load_bulk(owner, seed, today(), BULK_SIZES[size])


class ParisTime(click.ParamType[datetime]):
    """« 2026-12-01T08:00 », in Paris time unless it names its own offset."""

    name = "time"

    def convert(self, value: str, _param: object, _context: object) -> datetime:
        """An aware instant."""
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"« {value} » n’est pas une date : écrivez-la comme 2026-12-01T08:00.")
        return at if at.tzinfo else at.replace(tzinfo=PARIS)


reminders_group = AppGroup("reminders", help="What would be sent, and sending it as of another day.")


@reminders_group.command("due")
@click.option("--at", type=ParisTime(), required=True, help="As of which Paris time, like 2026-12-01T08:00.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def reminders_due(at: datetime, as_json: bool) -> None:
    """List what would be sent, writing and sending nothing."""
    act_as(SYSTEM)
    lines = []
    with transaction() as session:
        session.execute(sa.text("set transaction read only"))
        if may_leave(at.astimezone(PARIS)):
            lines = [
                {
                    "rule": row.rule,
                    "subject": str(row.subject_id),
                    "due_on": row.due_on.isoformat(),
                    "recipient": row.email,
                    "recipient_id": str(row.recipient_id),
                    "case": row.initials,
                    "link": f"{current_app.config['BASE_URL']}/personnes/{row.person_id}",
                }
                for row in lines_to_send(day_of(at))
            ]
    _say_when_nothing_leaves(at)
    if as_json:
        click.echo(json.dumps(lines, ensure_ascii=False, indent=2))
        return
    for line in lines:
        label = REMINDER_RULE_LABELS[ReminderRule(line["rule"])]
        click.echo(f"{line['recipient']}  {label}  {line['due_on']}  {line['case']}  {line['link']}")
    click.echo(f"{len(lines)} rappel(s). Rien n’a été envoyé.", err=True)


def _say_when_nothing_leaves(at: datetime) -> None:
    if not may_leave(at.astimezone(PARIS)):
        click.echo("Les rappels partent les jours ouvrés, à partir de 7 h : rien à ce moment-là.", err=True)


@reminders_group.command("send")
@click.option("--at", type=ParisTime(), required=True, help="As of which Paris time, like 2026-12-01T08:00.")
def reminders_send(at: datetime) -> None:
    """Do what beat and a worker would do at another time; refused in production."""
    if current_app.config["ENVIRONMENT"] == "production":
        raise click.ClickException("En production, l’horloge ne se déplace pas : les rappels partent seuls.")
    act_as(SYSTEM)
    _say_when_nothing_leaves(at)
    states = send_as_of(at)
    click.echo(
        f"{sum(states.values())} lettre(s) : "
        + (", ".join(f"{n} {state}" for state, n in states.items()) or "rien à envoyer")
    )


outbox_group = AppGroup("outbox", help="Letters.")


@outbox_group.command("recall")
@click.argument("log", type=click.File())
def outbox_recall(log: TextIO) -> None:
    """After a restore, before any worker starts: tell the outbox which letters had left, from the workers' logs."""
    letters = outbox.letters_sent(log)
    act_as(SYSTEM)
    with transaction():
        for on in sorted({day_of(letter.at) for letter in letters if letter.about}):
            write_due_lines(max(letter.at for letter in letters if day_of(letter.at) == on))
        recalled = outbox.recall_sent(letters)
    click.echo(
        f"Lettres déjà parties : {len(letters)}. Attendaient encore : {recalled['recalled']}. "
        f"Inconnues de la base, notées : {recalled['written']}."
    )


class Month(click.ParamType[datetime]):
    """« 2026-10 »: a month that is over."""

    name = "month"

    def convert(self, value: str, _param: object, _context: object) -> datetime:
        """Its first day."""
        try:
            first = datetime.strptime(value, "%Y-%m").replace(tzinfo=PARIS)
        except ValueError:
            self.fail(f"« {value} » n’est pas un mois : écrivez-le comme 2026-10.")
        if first.date() >= today().replace(day=1):
            self.fail(f"« {value} » n’est pas terminé : choisissez un mois passé.")
        return first


reports_group = AppGroup("reports", help="Activity reports.")


@reports_group.command("compute")
@click.option("--month", type=Month(), required=True, help="Which month, like 2026-10.")
@click.option("--cite", "slug", help="Only this Cité, by its short name; by default each one at work.")
def reports_compute(month: datetime, slug: str | None) -> None:
    """Compute the monthly report of a month wherever it is missing; what is ready stays as it is."""
    act_as(SYSTEM)
    with transaction():
        cites = [row.id for row in cites_named(slug)]
        if slug and not cites:
            raise click.ClickException(f"Aucune Cité ne s’appelle « {slug} ».")
        write_monthly_reports(month.date(), cites, tell_worker=False)
        waiting = [row.id for row in monthly_reports(monthly_occasion(month.date()), cites)]
        ask_again(waiting)
    for report_id in waiting:
        compute(str(report_id))
    with transaction():
        reports = list(monthly_reports(monthly_occasion(month.date()), cites))
    for report in reports:
        click.echo(
            f"{report.name:<32}{REPORT_STATE_LABELS[ReportState(report.state)]:<20}/pilotage/rapports/{report.id}"
        )
    if any(report.state == ReportState.FAILED for report in reports):
        raise SystemExit(1)


accounts_group = AppGroup("accounts", help="Who works here.")


@accounts_group.command("invite")
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--cite", "slug", required=True, help="The Cité, by its short name.")
@click.option("--first-name", required=True)
@click.option("--last-name", required=True)
@click.option("--organisation", help="Its exact name; by default the chef de file of the Cité.")
@click.option(
    "--new-organisation",
    is_flag=True,
    help="Create it first, as a commune, to be corrected in the directory.",
)
def accounts_invite(
    email: str,
    role: str,
    slug: str,
    first_name: str,
    last_name: str,
    organisation: str | None,
    new_organisation: bool,
) -> None:
    """Invite somebody to work in a Cité: the way to its first administrator."""
    address = email.strip().lower()
    if not EMAIL_SHAPE.fullmatch(address):
        raise click.ClickException(f"« {email} » n’est pas une adresse électronique.")
    act_as(SYSTEM)
    with transaction():
        cite = find_cite(slug)
        if cite is None:
            raise click.ClickException(f"Aucune Cité ne s’appelle « {slug} ».")
        if organisation is None:
            organisation_id = cite.chef_de_file_id
        elif new_organisation and find_in_collective(cite.id, organisation) is None:
            facts = OrganisationFacts(
                organisation, OrganisationFamily.COLLECTIVITE, "COMMUNE", False, None, None
            )
            organisation_id = create_organisation(cite.id, facts).id
        else:
            organisation_id = find_in_collective(cite.id, organisation)
        if organisation_id is None:
            raise click.ClickException(
                "Nommez une organisation du collectif (--organisation), ou créez-la (--new-organisation)."
            )
        try:
            invite(Invitation(address, first_name, last_name, Role(role), cite.id, organisation_id))
        except AlreadyThere:
            raise click.ClickException("Cette personne a déjà ce rôle dans cette Cité.") from None
    click.echo("L’invitation est dans la boîte d’envoi.")


class Anchor(click.ParamType[tuple[int, str]]):
    """« 240:9f3c… »: the number of a seal and its hash, as noted outside the database."""

    name = "number:hash"

    def convert(self, value: str, _param: object, _context: object) -> tuple[int, str]:
        """Its two parts."""
        number, _, noted = value.partition(":")
        if not number.isdecimal() or not re.fullmatch(r"[0-9a-fA-F]{64}", noted):
            self.fail(
                f"« {value} » n’est pas un repère : écrivez-le comme 240:9f3c… (64 chiffres après les deux-points)."
            )
        return int(number), noted


audit_group = AppGroup("audit", help="The journal of what was read and written.")
FAULT_SENTENCES = {
    audit.Kind.ALTERED: "ligne {line} modifiée après son scellement (sceau {seal})",
    audit.Kind.REMOVED: "ligne {line} supprimée (sceau {seal})",
    audit.Kind.INSERTED: "ligne {line} ajoutée après coup (sceau {seal})",
    audit.Kind.SEAL_ALTERED: "sceau {seal} modifié",
    audit.Kind.SEAL_MISSING: "sceau {seal} manquant",
    audit.Kind.UNSAID_PURGE: "lignes du sceau {seal} effacées sans que le journal le dise",
    audit.Kind.NOT_ANCHORED: "sceau {seal} différent du repère donné",
}
MOST_SHOWN = 100


@audit_group.command("verify")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with every fault.")
@click.option(
    "--anchor", "anchors", type=Anchor(), multiple=True, help="A seal noted elsewhere: NUMBER:HASH."
)
def audit_verify(as_json: bool, anchors: tuple[tuple[int, str], ...]) -> None:
    """Seal what can be, then compare the journal with its seals; answers 1 when it is not whole. Needs OWNER_DATABASE_URL."""
    if not current_app.config["OWNER_DATABASE_URI"]:
        raise click.ClickException(
            "Le journal ne se lit que par son propriétaire : donnez OWNER_DATABASE_URL."
        )
    act_as(SYSTEM)
    with transaction():
        audit.seal.run()
    engine = sa.create_engine(
        current_app.config["OWNER_DATABASE_URI"], poolclass=sa.NullPool, hide_parameters=True
    )
    with engine.connect() as owner:
        verdict = audit.verify(owner, dict(anchors))
    if as_json:
        click.echo(
            json.dumps(
                {"whole": not verdict.faults, **asdict(verdict)}, default=str, ensure_ascii=False, indent=2
            )
        )
    else:
        _print_verdict(verdict)
    if verdict.faults:
        raise SystemExit(1)


def _print_verdict(verdict: audit.Verdict) -> None:
    for fault in verdict.faults[:MOST_SHOWN]:
        click.echo(f"  {FAULT_SENTENCES[fault.kind].format(seal=fault.seal, line=fault.line)}")
    if len(verdict.faults) > MOST_SHOWN:
        click.echo(f"  … et {len(verdict.faults) - MOST_SHOWN} autres (--json les donne toutes)")
    click.echo("Le journal n’est plus entier." if verdict.faults else "Le journal est entier.")
    click.echo(
        f"Lignes scellées : {verdict.lines}, dans {verdict.seals} sceau(x). En attente : {verdict.waiting}."
    )
    if verdict.last and verdict.until and not verdict.faults:
        click.echo(
            f"Dernier sceau, à noter hors de la base : {verdict.last} ({verdict.until.astimezone(UTC):%d/%m/%Y %H:%M} UTC)"
        )


def init_app(app: Flask) -> None:
    """Attach every command."""
    for command in (
        permissions_command,
        audit_group,
        accounts_group,
        territory_group,
        vocabulary_group,
        demo_command,
        reminders_group,
        outbox_group,
        reports_group,
    ):
        app.cli.add_command(command)
