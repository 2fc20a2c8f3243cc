"""Two Cités with mirrored rows, a way to put everything back, and every request that the pages of one of them offer.

Identifiers say where they belong: a0… is the Cité that asks, b0… its twin, c0… nobody, d0… the nation (QPV), e0… whoever
works in both. Each text of the twin holds Ω and « zzb », which nothing else does: a foreign byte is seen wherever it shows.
"""

import hashlib
import io
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count, pairwise
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject
from sqlalchemy.orm import Session

from cityjobs.accounts.models import AccountLink, Draft, Membership, SignInSession, User
from cityjobs.accounts.queries import token_hash
from cityjobs.accounts.rules import LinkPurpose
from cityjobs.core.clock import now, today
from cityjobs.core.permissions import Role
from cityjobs.diagnosis.models import Diagnosis, Frein, FreinReading
from cityjobs.diagnosis.rules import FreinOwner, FreinStatus
from cityjobs.followups.models import Interview, InterviewVersion, NextStep, PrivateNote
from cityjobs.followups.rules import InterviewMode, StepState
from cityjobs.parcours.models import (
    Absence,
    Assignment,
    Exit,
    ExitRuleRow,
    ExitRuleset,
    Job,
    JobCheck,
    Parcours,
    Snapshot,
    Spotting,
    Suspension,
    Transition,
)
from cityjobs.parcours.rules.exits import ExitCategory
from cityjobs.parcours.rules.jobs import CheckMoment, JobKind
from cityjobs.parcours.rules.lifecycle import AssignmentKind, Event, Status
from cityjobs.parcours.rules.reasons import ExitReason, SpottingChannel
from cityjobs.parcours.rules.situations import Moment
from cityjobs.people.models import Person, PersonLink
from cityjobs.people.rules import Gender, LinkKind
from cityjobs.plans.models import (
    Agreement,
    AgreementGoal,
    Attachment,
    Etape,
    EtapeGoal,
    Goal,
    PlanTemplate,
    PlanTemplateLine,
)
from cityjobs.plans.rules import AgreementWay, AttachmentSubject, EtapeStatus, GoalStatus
from cityjobs.reminders.models import Reminder
from cityjobs.reminders.rules import ReminderRule, ReminderState
from cityjobs.reporting.documents import definitions
from cityjobs.reporting.models import ActivityReport
from cityjobs.territory.models import (
    Cite,
    CiteCommune,
    CiteQpv,
    CollectiveMember,
    Organisation,
    ProgrammeYear,
    Qpv,
    QpvCommune,
)
from cityjobs.territory.rules import OrganisationFamily, QpvAnswer
from cityjobs.vocabulary.models import ListItem
from cityjobs.vocabulary.rules import ListName
from tests.conftest import Databases
from tests.world import SAME_AS

HERE, THERE, NOWHERE, NATION, BOTH = "a0a0a0a0", "b0b0b0b0", "c0c0c0c0", "d0d0d0d0", "e0e0e0e0"
PASSWORD = "Camion-Vert-Doucement-42"
FOREIGN = (b"zzb", "Ω".encode(), b"\\u03a9", b"&#937;")
"""What only the twin's texts hold, as pages, files and JSON may write it."""

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


EVIDENCE = "contrat"
"""What proved an exit, of the list « preuve_sortie »."""


def a_pdf(words: str) -> bytes:
    """A real document of one page that says these words: whoever reads it finds them."""
    writer, font = PdfWriter(), DictionaryObject()
    page = writer.add_blank_page(200, 100)
    told = DecodedStreamObject()
    shown = words.replace("Ω", "zzb").encode("latin-1").replace(b"(", b"").replace(b")", b"")
    told.set_data(b"BT /F1 12 Tf 10 50 Td (" + shown + b") Tj ET")
    for name, value in (("/Type", "/Font"), ("/Subtype", "/Type1"), ("/BaseFont", "/Helvetica")):
        font[NameObject(name)] = NameObject(value)
    fonts = DictionaryObject({NameObject("/F1"): font})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    page[NameObject("/Contents")] = writer._add_object(told)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def identifier(place: str, number: int) -> uuid.UUID:
    """The identifier of one number in one place."""
    return uuid.UUID(f"{place}-0000-4000-8000-{number:012x}")


def mirrored(text: str) -> str:
    """The same, of the twin."""
    return text.replace(HERE, THERE)


@dataclass
class Side:
    """One of the two Cités: who works in it, by name, and the identifiers of its rows, by name."""

    place: str
    members: dict[str, "Seat"] = field(default_factory=dict)
    named: dict[str, uuid.UUID] = field(default_factory=dict)
    count: int = 0

    @property
    def is_there(self) -> bool:
        """Whether this is the twin."""
        return self.place == THERE

    def new(self, name: str = "") -> uuid.UUID:
        """The next identifier, the same number on both sides."""
        self.count += 1
        made = identifier(self.place, self.count)
        if name:
            self.named[name] = made
        return made

    def text(self, words: str) -> str:
        """Words that say which side they are of."""
        return f"Ω{words} zzb{self.count}" if self.is_there else f"{words} zza{self.count}"

    def address(self, name: str) -> str:
        """An e-mail address of this side."""
        return f"{'zzb' if self.is_there else 'zza'}-{name}@cite.example"

    def phone(self) -> str:
        """A telephone number of this side."""
        return f"+336{'77' if self.is_there else '11'}{self.count:06d}"


@dataclass(frozen=True)
class Seat:
    """Somebody at the keyboard, with the token of an open session."""

    name: str
    role: str
    user_id: uuid.UUID
    email: str
    token: str


class Twins:
    """Both Cités in the database, as they were at first after each `restore`."""

    def __init__(self, databases: Databases) -> None:
        self.databases = databases
        engine = sa.create_engine(databases.url("postgres").replace("postgresql://", "postgresql+psycopg://"))
        self.session = Session(engine, expire_on_commit=False)
        self.hash = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
        self.quarters = [identifier(NATION, number) for number in (1, 2, 3)]
        self.here, self.there = Side(HERE), Side(THERE)
        self._nation()
        for side, own, years in ((self.here, 0, (2025, 2026)), (self.there, 1, (2019, 2025, 2026))):
            self._cite(side, self.quarters[own], years)
            self._people_of(side)
            self._lists_of(side)
            self._lives_of(side)
            self._papers_of(side)
        self._whoever_works_in_both()
        self.session.commit()
        self.session.close()
        engine.dispose()
        self.tables = [table for table in databases.tables if table.startswith("public.")]
        self.kept = {table: self._copy_out(table) for table in self.tables}
        self.restored = count(1)

    # What there is

    def keep(self, *rows: Any) -> None:
        """Write rows, in this order."""
        for row in rows:
            self.session.add(row)
            self.session.flush()

    def _nation(self) -> None:
        for number, quarter in enumerate(self.quarters):
            self.keep(
                Qpv(id=quarter, code=f"QN05900{number}M", name=f"Quartier {number}", generation=2024, valid_from=date(2024, 1, 1)),
                QpvCommune(qpv_id=quarter, insee_code="59512", name="Roubaix"),
            )  # fmt: skip

    def _cite(self, side: Side, quarter: uuid.UUID, years: tuple[int, ...]) -> None:
        lead = Organisation(
            id=side.new("lead"),
            name=f"Porteur {side.place[:1]}",
            family=OrganisationFamily.COLLECTIVITE,
            kind="COMMUNE",
        )
        cite = Cite(
            id=side.new("cite"),
            slug=f"cite-{side.place[:1]}",
            name={HERE: "Roubaix", THERE: "Calais"}[side.place],
            programme_name="Cités de l’emploi",
            labelled_year=2021,
            chef_de_file_id=lead.id,
        )
        asso = Organisation(
            id=side.new("asso"),
            name=side.text("Association"),
            family=OrganisationFamily.ASSOCIATION,
            kind="ASSO_PROXIMITE",
            phone=side.phone(),
            email=side.address("asso"),
        )
        discreet = Organisation(
            id=side.new("discreet"),
            name=side.text("Relais"),
            family=OrganisationFamily.ASSOCIATION,
            kind="CSAPA",
            is_sensitive=True,
        )
        self.keep(lead, cite, asso, discreet)
        self.keep(
            *(CollectiveMember(cite_id=cite.id, organisation_id=each.id) for each in (lead, asso, discreet))
        )
        self.keep(*(ProgrammeYear(cite_id=cite.id, year=year, envelope_euros=50_000) for year in years))
        self.keep(CiteQpv(cite_id=cite.id, qpv_id=quarter))
        self.keep(CiteCommune(cite_id=cite.id, insee_code="59512", name="Roubaix"))
        if side.is_there:
            self.keep(CiteCommune(cite_id=cite.id, insee_code="62193", name=side.text("Calais")))

    def _people_of(self, side: Side) -> None:
        roles = {role.value: role.value for role in Role}
        for name, role in {
            **roles, "colleague": Role.REFERENT, "leaver": Role.REFERENT, "second_administrator": Role.ADMINISTRATOR,
            "invited": Role.SPOTTER,
        }.items():  # fmt: skip
            self._member(side, name, role)
        link = AccountLink(
            id=side.new("link"),
            user_id=side.members["invited"].user_id,
            purpose=LinkPurpose.INVITATION,
            expires_at=now() + timedelta(days=5),
        )
        reset = AccountLink(
            id=side.new("reset"),
            user_id=side.members["partner"].user_id,
            purpose=LinkPurpose.RESET,
            expires_at=now() + timedelta(hours=1),
        )
        self.keep(link, reset)

    def _member(self, side: Side, name: str, role: str) -> None:
        user = User(
            id=side.new(f"user:{name}"),
            email=side.address(name),
            first_name=side.text("Samira"),
            last_name=side.text(name),
            password_hash=None if name == "invited" else self.hash,
            phone=side.phone(),
        )
        membership = Membership(
            id=side.new(f"membership:{name}"),
            user_id=user.id,
            organisation_id=side.named["asso"],
            cite_id=side.named["cite"],
            role=Role(role),
            started_on=date(2024, 1, 1),
        )
        self.keep(user, membership)
        token = f"{side.place}-{name}"
        self._open(side, user.id, membership.id, token, f"session:{name}")
        self._open(side, user.id, membership.id, f"{token}-elsewhere", f"elsewhere:{name}")
        side.members[name] = Seat(name, str(Role(role)), user.id, user.email, token)

    def _open(self, side: Side, user_id: uuid.UUID, membership_id: uuid.UUID, token: str, name: str) -> None:
        self.keep(
            SignInSession(
                id=side.new(name),
                token_hash=token_hash(token),
                user_id=user_id,
                membership_id=membership_id,
                device=side.text("Firefox"),
            )
        )

    def _lists_of(self, side: Side) -> None:
        """Two lines that each Cité added, one of them set aside."""
        for name, active in (("line", True), ("aside", False)):
            self.keep(
                ListItem(
                    id=side.new(name), list=ListName.SECTEUR, code=f"loc_{name}_{'zzb' if side.is_there else 'zza'}",
                    cite_id=side.named["cite"], label=side.text("Secteur"), is_active=active,
                    created_by_id=side.members["coordinator"].user_id,
                )
            )  # fmt: skip

    def _lives_of(self, side: Side) -> None:
        referent, colleague = (side.members[name].user_id for name in ("referent", "colleague"))
        self._case(side, "followed", Status.ACTIF, referent=referent, second=colleague)
        self._case(side, "begun", Status.CONTACTE, referent=referent)
        self._case(side, "assessed", Status.DIAGNOSTIC, referent=referent)
        self._case(side, "masked", Status.ACTIF, referent=colleague)
        self._case(side, "waiting", Status.REPERE, spotted_by=side.members["spotter"].user_id)
        self._case(side, "mine", Status.REPERE, spotted_by=referent)
        self._case(side, "closed", Status.SORTI, referent=referent)
        self._case(side, "nameless", Status.RENCONTRE, organisation=side.named["asso"])
        self._case(side, "given", Status.ACTIF, referent=colleague, was=side.members["leaver"].user_id)
        self._exchanges_of(side, "followed", referent)
        self._exchanges_of(side, "masked", colleague)
        for name, author in (("followed", referent), ("masked", colleague)):
            self._diagnosis_of(side, name, author)
        self._plan_of(side, "followed", referent)
        self._plan_of(side, "masked", colleague)
        self._kept_plans_of(side)
        self._households_of(side)
        self._absences_of(side)
        self._readings_of(side)
        for name, author in (("followed", referent), ("masked", colleague)):
            self._past_of(side, name, author)
        self._later_lives_of(side, referent)

    def _households_of(self, side: Side) -> None:
        """Two persons of the référent, and two of whom one is a colleague's."""
        for name, other in (("followed", "begun"), ("masked", "assessed")):
            pair = sorted(side.named[f"person:{each}"] for each in (name, other))
            self.keep(
                PersonLink(
                    id=side.new(f"link:{name}"), cite_id=side.named["cite"], person_id=pair[0], other_id=pair[1], kind=LinkKind.FRATRIE,
                    created_by_id=side.members["coordinator"].user_id,
                )
            )  # fmt: skip

    def _absences_of(self, side: Side) -> None:
        """The référent was replaced and will be; so was somebody by whom they were not."""
        for name, absent, deputy, since in (
            ("over", "referent", "colleague", -30),
            ("coming", "referent", "colleague", 60),
            ("theirs", "leaver", "coordinator", 90),
        ):
            self.keep(
                Absence(
                    id=side.new(f"absence:{name}"), cite_id=side.named["cite"], absent_id=side.members[absent].user_id,
                    deputy_id=side.members[deputy].user_id, starts_on=today() + timedelta(days=since),
                    ends_on=today() + timedelta(days=since + 9), created_by_id=side.members[absent].user_id,
                )
            )  # fmt: skip

    def _case(
        self,
        side: Side,
        name: str,
        status: Status,
        *,
        referent: uuid.UUID | None = None,
        second: uuid.UUID | None = None,
        was: uuid.UUID | None = None,
        spotted_by: uuid.UUID | None = None,
        organisation: uuid.UUID | None = None,
        ended_on: date | None = None,
    ) -> None:
        cite_id, quarter = side.named["cite"], self.quarters[1 if side.is_there else 0]
        person = Person(
            id=side.new(f"person:{name}"), cite_id=cite_id, first_name=side.text("Nadia"), last_name=side.text("Lefebvre"),
            gender=Gender.FEMME, birth_date=date(1990, 3, 3), phone=side.phone(), email=side.address(f"person-{name}"),
            address=side.text("3 rue Neuve"), qpv_answer=QpvAnswer.INSIDE, qpv_id=quarter,
            created_by_id=side.members["referent"].user_id,
        )  # fmt: skip
        order = [
            Status.REPERE,
            Status.CONTACTE,
            Status.RENCONTRE,
            Status.DIAGNOSTIC,
            Status.ACTIF,
            Status.SORTI,
        ]
        spotted_on = today() - timedelta(days=60)
        days = [spotted_on + timedelta(days=step) for step in range(6)]
        reached = order.index(SAME_AS.get(status, status))
        parcours = Parcours(
            id=side.new(f"parcours:{name}"), cite_id=cite_id, person_id=person.id, status=status, spotted_on=spotted_on,
            contacted_on=days[1] if reached >= 1 else None, met_on=days[2] if reached >= 2 else None,
            diagnosed_on=days[3] if reached >= 3 else None, started_on=days[4] if reached >= 4 else None,
            ended_on=(ended_on or days[5]) if reached >= 5 else None, end_reason="cdi" if reached >= 5 else None,
        )  # fmt: skip
        ties = {"cite_id": cite_id, "person_id": person.id, "parcours_id": parcours.id}
        self.keep(
            person,
            parcours,
            Spotting(
                id=side.new(), **ties, spotted_on=spotted_on, channel=SpottingChannel.ADULTE_RELAIS,
                place=side.text("Marché"), first_need=side.text("Un emploi"), spotted_by_id=spotted_by,
            ),
        )  # fmt: skip
        for before, after in pairwise(order[: reached + 1]):
            self.keep(
                Transition(
                    id=side.new(), **ties, event=Event.CONTACT_OK, from_status=before, to_status=after, happened_on=days[1],
                    recorded_by_id=referent,
                )
            )  # fmt: skip
        began, moved = now() - timedelta(days=40), now() - timedelta(minutes=2)
        if was:
            self._assign(
                side,
                ties,
                was,
                started_at=began,
                ended_at=moved,
                ended_by_id=side.members["coordinator"].user_id,
            )
            self._assign(side, ties, referent, started_at=moved, batch_id=side.new("batch"))
        elif referent or organisation:
            self._assign(
                side,
                ties,
                referent,
                started_at=began,
                **({"organisation_id": organisation} if organisation else {}),
            )
            side.named[f"assignment:{name}"] = identifier(side.place, side.count)
        if second:
            self._assign(side, ties, second, started_at=began, kind=AssignmentKind.CO_REFERENT)
            side.named[f"seconding:{name}"] = identifier(side.place, side.count)

    def _assign(self, side: Side, ties: dict[str, Any], referent: uuid.UUID | None, **facts: Any) -> None:
        self.keep(
            Assignment(
                id=side.new(),
                **ties,
                referent_id=referent,
                reason=side.text("Même quartier"),
                assigned_by_id=side.members["coordinator"].user_id,
                **{"organisation_id": side.named["asso"], **facts},
            )
        )

    def _exchanges_of(self, side: Side, name: str, author: uuid.UUID) -> None:
        ties = {"cite_id": side.named["cite"], "person_id": side.named[f"person:{name}"]}
        parcours = side.named[f"parcours:{name}"]
        interview = Interview(
            id=side.new(f"interview:{name}"), **ties, parcours_id=parcours, author_id=author,
            held_on=today() - timedelta(days=5), mode=InterviewMode.TELEPHONE, synthesis=side.text("Point sur les démarches."),
        )  # fmt: skip
        self.keep(
            interview,
            InterviewVersion(
                id=side.new(), **ties, interview_id=interview.id, number=0, held_on=today() - timedelta(days=5),
                mode=InterviewMode.TELEPHONE, reached=True, synthesis=side.text("Premier jet."), replaced_by_id=author,
            ),
        )  # fmt: skip
        typed = {"synthesis": side.text("Commencé"), "mode": "telephone"}
        self.keep(
            PrivateNote(interview_id=interview.id, author_id=author, **ties, body=side.text("À moi.")),
            Draft(author_id=author, form=f"entretien:{ties['person_id']}", fields=typed),
        )
        settled = {"settled_by_id": author, "settled_at": now(), "result": side.text("Fait.")}
        passed = {
            "entrusted_to_id": author, "entrusted_by_id": side.members["coordinator"].user_id, "entrusted_times": 1,
            "entrusted_because": side.text("Elle vous connaît."), "entrusted_at": now(),
        }  # fmt: skip
        for step, days, state in (("today", 0, "todo"), ("late", -3, "todo"), ("done", -1, "done")):
            self.keep(
                NextStep(
                    id=side.new(f"step:{name}:{step}"), **ties, parcours_id=parcours, interview_id=interview.id,
                    title=side.text("Rappeler la crèche"), due_on=today() + timedelta(days=days), created_by_id=author,
                    state=StepState(state), **(settled if state == "done" else {}),
                    **(passed if name == "followed" and step == "late" else {}),
                )
            )  # fmt: skip
        for state in (ReminderState.SENT, ReminderState.WAITING):
            self.keep(
                Reminder(
                    id=side.new(), **ties, parcours_id=parcours, rule=ReminderRule.SILENCE, subject_id=parcours,
                    due_on=today() - timedelta(days=1 if state == "sent" else 0), recipient_id=author, state=state,
                    settled_at=now() if state == ReminderState.SENT else None,
                )
            )  # fmt: skip

    def _diagnosis_of(self, side: Side, name: str, author: uuid.UUID) -> None:
        """A finished version, one being filled with its draft, and two freins."""
        ties = {"cite_id": side.named["cite"], "person_id": side.named[f"person:{name}"]}
        parcours, before = side.named[f"parcours:{name}"], today() - timedelta(days=20)
        texts = {
            "strengths": side.text("Tient bon"),
            "project": side.text("Cuisiner"),
            "occupation": side.text("Cuisinière"),
        }
        for number, finished_on in ((1, before), (2, None)):
            self.keep(
                Diagnosis(
                    id=side.new(f"diagnosis:{name}:{number}"), **ties, parcours_id=parcours, number=number, opened_on=before,
                    finished_on=finished_on, author_id=author, **texts,
                )
            )  # fmt: skip
        for code in ("logement", "sante"):
            stand = {"status": FreinStatus.IDENTIFIE, "severity": 2, "is_priority": code == "logement"}
            self.keep(
                Frein(
                    id=side.new(f"frein:{name}:{code}"), **ties, parcours_id=parcours, code=code, owner=FreinOwner.PARTNER,
                    identified_on=before, recorded_by_id=author, **stand,
                ),
                FreinReading(id=side.new(), **ties, diagnosis_id=side.named[f"diagnosis:{name}:1"], code=code, **stand),
            )  # fmt: skip
        self.keep(
            Draft(
                author_id=author,
                form=f"diagnostic:{ties['person_id']}",
                fields={"strengths": texts["strengths"], "version": "1", "seen": "logement:1 sante:1"},
            )
        )

    def _plan_of(self, side: Side, name: str, author: uuid.UUID) -> None:
        """A frein, goals about it and about the project, étapes that stand differently, an agreement that was replaced, papers."""
        ties = self._ties_of(side, name)
        began, made = today() - timedelta(days=20), {"created_by_id": author}
        frein = Frein(
            id=side.new(f"frein:{name}"), **ties, code="mobilite", status=FreinStatus.EN_COURS, identified_on=began, recorded_by_id=author
        )  # fmt: skip
        self.keep(frein)
        goals = [
            Goal(
                id=side.new(f"goal:{name}:{about}"), **ties, frein_id=frein.id if about == "frein" else None, opened_on=began,
                label=side.text("Obtenir le permis"), status=GoalStatus(status), settled_on=today() if status == "reached" else None,
                **made,
            )
            for about, status in (("frein", "open"), ("project", "open"), ("reached", "reached"))
        ]  # fmt: skip
        self.keep(*goals)
        for status, goal in (
            ("prevue", goals[0]),
            ("en_cours", goals[1]),
            ("en_attente", goals[1]),
            ("realisee", goals[2]),
        ):
            over = {"ended_on": today(), "result": "atteint"} if status == "realisee" else {}
            etape = Etape(
                id=side.new(f"etape:{name}:{status}"), **ties, type="permis_code", label=side.text("Code"), status=EtapeStatus(status),
                organisation_id=side.named["asso"], planned_to=today() + timedelta(days=9), note=side.text("Le mardi."),
                started_on=began if status in ("en_cours", "en_attente") else None, **over, **made,
            )  # fmt: skip
            self.keep(etape, EtapeGoal(etape_id=etape.id, goal_id=goal.id, **ties))
        for number in (1, 2):
            held = Agreement(
                id=side.new(f"agreement:{name}:{number}"), **ties, number=number, agreed_on=began, review_on=today() + timedelta(days=30),
                way=AgreementWay.SIGNED, ended_on=began if number == 1 else None, **made,
            )  # fmt: skip
            self.keep(
                held, AgreementGoal(agreement_id=held.id, goal_id=goals[0].id, label=goals[0].label, **ties)
            )
        content = a_pdf(side.text("contrat"))
        self.keep(
            Attachment(
                id=side.new(f"paper:{name}"), **ties, subject=AttachmentSubject.AGREEMENT, subject_id=held.id,
                name=side.text("contrat") + ".pdf", media_type="application/pdf", size=len(content),
                sha256=hashlib.sha256(content).hexdigest(), content=content, added_by_id=author, added_at=now(),
            )
        )  # fmt: skip

    def _kept_plans_of(self, side: Side) -> None:
        """One plan that is offered, one that was set aside."""
        for name, active in (("kept", True), ("former", False)):
            template = PlanTemplate(
                id=side.new(f"template:{name}"), cite_id=side.named["cite"], name=side.text("Mobilité"), is_active=active,
                created_by_id=side.members["coordinator"].user_id,
            )  # fmt: skip
            self.keep(template)
            for rank, frein in enumerate(("mobilite", "logement", None), 1):
                self.keep(
                    PlanTemplateLine(
                        template_id=template.id, rank=rank, cite_id=template.cite_id, frein_code=frein, goal_label=side.text("But"),
                        etape_type="permis_code", etape_label=side.text("Étape"), after_days=30,
                    )
                )  # fmt: skip

    def _readings_of(self, side: Side) -> None:
        """A way of reading exits of the Cité's own, with a rule that counts months and one that does not."""
        ruleset = ExitRuleset(
            id=side.new("ruleset"), cite_id=side.named["cite"], code="loc_iae", label=side.text("Notre lecture"),
            created_by_id=side.members["coordinator"].user_id, created_at=now(),
        )  # fmt: skip
        self.keep(ruleset)
        for code, months in ((ExitReason.CDI, 6), (ExitReason.ABANDON, None)):
            self.keep(
                ExitRuleRow(
                    ruleset_id=ruleset.id, exit_type=code, needs_evidence=months is not None, minimum_months=months,
                    category=ExitCategory.DURABLE if months else ExitCategory.AUTRE,
                    otherwise=ExitCategory.TRANSITION if months else None,
                )
            )  # fmt: skip

    def _past_of(self, side: Side, name: str, author: uuid.UUID) -> None:
        """Of a parcours that is open: a job that stopped, of which a check was noted, a suspension that is over, a parcours before it."""
        ties = self._ties_of(side, name)
        of_person = {key: ties[key] for key in ("cite_id", "person_id")}
        began, ended = today() - timedelta(days=50), today() - timedelta(days=21)
        made = {"created_by_id": author, "created_at": now()}
        job = Job(
            id=side.new(f"job:{name}"), **ties, kind=JobKind.CONTRACT, contract="cdd_moins_6m", occupation=side.text("Aide de cuisine"),
            employer=side.text("Le Fournil"), started_on=began, ended_on=ended, end_reason="demission", **made,
        )  # fmt: skip
        self.keep(
            job,
            JobCheck(
                id=side.new(), **of_person, job_id=job.id, moment=CheckMoment.J8, done_on=began + timedelta(days=9), in_job=True,
                note=side.text("Se plaît."), recorded_by_id=author, recorded_at=now(),
            ),
            Suspension(
                id=side.new(), **ties, reason="raison_personnelle", started_on=ended, expected_end_on=ended + timedelta(days=9),
                ended_on=ended + timedelta(days=5), **made,
            ),
        )  # fmt: skip
        self._left(side, name, author, today() - timedelta(days=100))
        self.keep(self._situation_of(side, ties, Moment.ENTRY, ended, author))

    def _left(self, side: Side, name: str, author: uuid.UUID, ended_on: date) -> None:
        """A parcours of somebody that ended on a day, how it was read, and the situation that was asked on that day."""
        began = ended_on - timedelta(days=90)
        parcours = Parcours(
            id=side.new(f"left:{name}"), cite_id=side.named["cite"], person_id=side.named[f"person:{name}"], status=Status.SORTI,
            spotted_on=began, started_on=began, ended_on=ended_on, end_reason=ExitReason.CDI,
        )  # fmt: skip
        self.keep(parcours)
        self._read_exit(side, {**self._ties_of(side, name), "parcours_id": parcours.id}, ended_on, author)

    def _read_exit(self, side: Side, ties: dict[str, Any], on: date, author: uuid.UUID) -> None:
        self.keep(
            Exit(
                **ties, exit_type=ExitReason.CDI, category=ExitCategory.DURABLE, ruleset_id=side.named["ruleset"], months=8,
                evidence=EVIDENCE, evidence_seen_on=on, recorded_by_id=author, recorded_at=now(),
            ),
            self._situation_of(side, ties, Moment.ENTRY, on - timedelta(days=40), author),
            self._situation_of(side, ties, Moment.EXIT, on, author),
        )  # fmt: skip

    def _situation_of(
        self, side: Side, ties: dict[str, Any], moment: Moment, on: date, author: uuid.UUID
    ) -> Snapshot:
        return Snapshot(
            id=side.new(), **ties, moment=moment, taken_on=on, gender=Gender.FEMME, age=36, in_qpv=True,
            qpv_id=self.quarters[1 if side.is_there else 0], situation="de_inscrit_ft_indemnise", recorded_by_id=author, recorded_at=now(),
        )  # fmt: skip

    def _later_lives_of(self, side: Side, referent: uuid.UUID) -> None:
        """One whose job is to be asked about, one suspended whose return comes near, one who left some days ago."""
        made = {"created_by_id": referent, "created_at": now()}
        began = today() - timedelta(days=40)
        self._case(side, "employed", Status.SUIVI_EMPLOI, referent=referent)
        self._case(side, "suspended", Status.SUSPENDU, referent=referent)
        job = Job(
            id=side.new("job:employed"), **self._ties_of(side, "employed"), kind=JobKind.CONTRACT, contract="cdd_6m_plus",
            occupation=side.text("Cuisinière"), employer=side.text("La Cantine"), started_on=began, **made,
        )  # fmt: skip
        pause = Suspension(
            id=side.new("pause:suspended"), **self._ties_of(side, "suspended"), reason="raison_personnelle", started_on=began,
            expected_end_on=today() + timedelta(days=3), **made,
        )  # fmt: skip
        self.keep(job, pause)
        self._case(side, "gone", Status.SORTI, referent=referent, ended_on=today() - timedelta(days=9))
        ties = self._ties_of(side, "gone")
        self.keep(
            Transition(
                id=side.new(), **ties, event=Event.CLOSE, from_status=Status.ACTIF, to_status=Status.SORTI,
                happened_on=today() - timedelta(days=9), recorded_by_id=referent,
            ),
        )  # fmt: skip
        self._read_exit(side, ties, today() - timedelta(days=9), referent)
        self._left(side, "gone", referent, today() - timedelta(days=100))

    def _ties_of(self, side: Side, name: str) -> dict[str, Any]:
        """What every row about the parcours of somebody says of whom it is about."""
        return {
            "cite_id": side.named["cite"],
            "person_id": side.named[f"person:{name}"],
            "parcours_id": side.named[f"parcours:{name}"],
        }

    def _papers_of(self, side: Side) -> None:
        meant = definitions()
        figures = {
            "figures": {each["code"]: {"hidden": False, "value": None} for each in meant["figures"]},
            "qpv": [{"code": "QN1", "name": side.text("Quartier"), "persons": 12}],
            "referents": [{"name": side.text("Samira"), "organisation": None, "followed": 9, "capacity": 70}],
            "weeks": [],
        }
        start, end = date(2026, 1, 1), date(2026, 1, 31)
        for state in ("ready", "requested", "failed"):
            ready: dict[str, Any] = {}
            if state == "ready":
                ready = {"figures": figures, "definitions": meant, "definitions_version": 1, "progress": 100, "ready_at": now(),
                         "xlsx": side.text("tableur").encode(), "pdf": side.text("rapport").encode()}  # fmt: skip
            self.keep(
                ActivityReport(
                    id=side.new(f"report:{state}"), cite_id=side.named["cite"], occasion=f"request:{state}", period_start=start,
                    period_end=end, as_of=end, state=state, failure=side.text("Interrompu.") if state == "failed" else None,
                    requested_by_id=side.members["coordinator"].user_id, **ready,
                )
            )  # fmt: skip

    def _whoever_works_in_both(self) -> None:
        """A référent in the Cité that asks and in its twin, working here now."""
        user = User(id=identifier(BOTH, 1), email="both@cite.example", first_name="Alix", last_name="Deux", password_hash=self.hash)  # fmt: skip
        self.keep(user)
        for number, side in ((2, self.here), (3, self.there)):
            membership = Membership(
                id=identifier(BOTH, number), user_id=user.id, organisation_id=side.named["lead"], cite_id=side.named["cite"],
                role=Role.REFERENT, started_on=date(2024, 1, 1),
            )  # fmt: skip
            self.keep(membership)
            ties = {
                "cite_id": side.named["cite"],
                "person_id": side.named["person:followed"],
                "parcours_id": side.named["parcours:followed"],
            }
            self._assign(side, ties, user.id, kind=AssignmentKind.CO_REFERENT)
        self._open(self.here, user.id, identifier(BOTH, 2), "both", "session:both")
        self.here.members["both"] = Seat("both", Role.REFERENT, user.id, user.email, "both")

    # Putting back

    def _copy_out(self, table: str) -> bytes:
        with self.databases.superuser.cursor().copy(f"copy {table} to stdout") as lines:
            return b"".join(bytes(line) for line in lines)

    def restore(self, tables: Iterable[str] | None = None) -> None:
        """Make these tables what they were at first; or all of them, and then sessions are as if just used."""
        chosen = list(tables) if tables is not None else self.tables
        server = self.databases.superuser
        server.execute("; ".join(f"delete from {table}" for table in chosen) or "select 1")
        for table in chosen:
            if self.kept[table]:
                with server.cursor().copy(f"copy {table} from stdin") as target:
                    target.write(self.kept[table])
        if tables is None:
            server.execute("update sign_in_session set last_seen_at = now()")
        if next(self.restored) % 40 == 0:
            self.databases.sweep()
