"""A crowd drawn from a seed: Cités, professionals and persons in every relation to each other, and who may see whom.

`Sight` is written from docs/decisions 3 and 8 and the page of help, in plain Python over rows read by a superuser: it knows
nothing of the policies nor of the queries. Each text of a person holds a word that nothing else holds.
"""

import random
import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cityjobs.accounts.models import AccountLink, Membership, User
from cityjobs.accounts.rules import LinkPurpose
from cityjobs.core.clock import now, today
from cityjobs.core.db import Model
from cityjobs.core.permissions import Role
from cityjobs.diagnosis.models import Diagnosis, Frein, FreinReading
from cityjobs.diagnosis.rules import FreinStatus
from cityjobs.followups.models import Interview, InterviewVersion, NextStep
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
from cityjobs.plans.rules import AgreementWay, AttachmentSubject
from cityjobs.reminders.models import Reminder
from cityjobs.reminders.rules import ReminderRule, ReminderState
from cityjobs.reporting.models import ActivityReport
from cityjobs.territory.models import Cite, CollectiveMember, Organisation
from cityjobs.vocabulary.models import ListItem
from cityjobs.vocabulary.rules import ListName
from tests.conftest import Databases
from tests.world import SAME_AS, Member, World, life_of

FIRST_NAMES = ("Nadia", "Karim", "Inès", "Moussa", "Élodie", "Yanis")
CASEWORK = (Role.REFERENT, Role.COORDINATOR)
TEAM = (
    *(Role.REFERENT,) * 5, Role.COORDINATOR, Role.COORDINATOR, Role.SPOTTER, Role.SPOTTER, Role.CHEF_DE_FILE,
    Role.FUNDER, Role.PARTNER, Role.ADMINISTRATOR,
)  # fmt: skip
MARK = re.compile(r"jeton([a-z])(\d{5})")
WORD = re.compile(r"[A-ZÀ-Ýa-zà-ÿ]+")


@dataclass(frozen=True)
class Known:
    """A person of the crowd, the last name that nobody else bears, and the number in their texts."""

    id: uuid.UUID
    cite_id: uuid.UUID
    last_name: str
    number: int


@dataclass
class Crowd:
    """What was drawn."""

    cites: list[Cite] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    people: list[Known] = field(default_factory=list)
    left: list[Member] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names: dict[str, Known] = {}

    def of_role(self, cite_id: uuid.UUID, *roles: Role) -> list[Member]:
        """Who works in a Cité in some roles."""
        return [m for m in self.members if m.cite.id == cite_id and m.role in roles]

    def drawn(self, dice: random.Random, most: int) -> list[Member]:
        """Members at random: each role among the first, then each role of each Cité."""
        shuffled = dice.sample(self.members, len(self.members))
        roles = {member.role: member for member in shuffled}
        seats = {(member.cite.id, member.role): member for member in shuffled}
        chosen = {member.membership.id: member for member in (*roles.values(), *seats.values(), *shuffled)}
        return list(chosen.values())[:most]

    def named_in(self, text: str) -> set[uuid.UUID]:
        """Whose last name is written in a text."""
        return {self.names[word].id for word in set(WORD.findall(text)) & self.names.keys()}

    def marked_in(self, text: str) -> dict[str, set[uuid.UUID]]:
        """Whose words are in a text, by kind: s synthesis, v version, p private note, t step, n need, d draft, g diagnosis."""
        found: dict[str, set[uuid.UUID]] = defaultdict(set)
        for kind, number in set(MARK.findall(text)):
            found[kind].add(self.people[int(number)].id)
        return found


def _name(dice: random.Random, taken: Iterable[str]) -> str:
    while True:
        name = "".join(dice.choice("bcdfglmnprstvz") + dice.choice("aeiou") for _ in range(5)).capitalize()
        if name not in taken:
            return name


class Draw:
    """One drawing: everything is decided by the seed."""

    def __init__(self, seed: int, *, cites: int, people: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - the same crowd for the same seed
        self.rows: list[Any] = []
        self.crowd = Crowd()
        self.notes: list[tuple[Any, ...]] = []
        self.drafts: list[tuple[Any, ...]] = []
        self.rulesets: dict[uuid.UUID, uuid.UUID] = {}
        for number in range(cites):
            self._settle(number)
        self._travel()
        for number in range(people):
            self._meet(number)
        self._report()
        self._tie()
        self._go_away()

    def _id(self) -> uuid.UUID:
        return uuid.UUID(int=self.dice.getrandbits(128), version=4)

    def _settle(self, number: int) -> None:
        lead = Organisation(id=self._id(), name=f"Porteur {number}", family="collectivite", kind="COMMUNE")
        cite = Cite(
            id=self._id(), slug=f"cite-{number}", name=f"Ville{number}", programme_name="Cités de l’emploi", labelled_year=2021,
            chef_de_file_id=lead.id,
        )  # fmt: skip
        self.rows += [lead, cite, CollectiveMember(cite_id=cite.id, organisation_id=lead.id)]
        self.rows += [
            ListItem(
                id=self._id(), list=name, code=f"loc_{number}", cite_id=cite.id, label=f"Réponse {number}"
            )
            for name in (ListName.SECTEUR, ListName.MOTIF_ABANDON)
        ]
        ruleset = ExitRuleset(
            id=self._id(), cite_id=cite.id, code="loc_iae", label="Notre lecture", created_at=now()
        )
        rule = ExitRuleRow(ruleset_id=ruleset.id, exit_type=ExitReason.ABANDON, category=ExitCategory.AUTRE)
        self.rows += [ruleset, rule]
        self.rulesets[cite.id] = ruleset.id
        self.crowd.cites.append(cite)
        for role in TEAM:
            self.crowd.members.append(self._hire(role, cite, lead.id))
        gone = self._hire(Role.REFERENT, cite, lead.id, ended_on=today() - timedelta(days=3))
        shut = self._hire(Role.REFERENT, cite, lead.id, disabled=True)
        self.crowd.left += [gone, shut]

    def _hire(
        self,
        role: Role,
        cite: Cite,
        organisation_id: uuid.UUID,
        *,
        ended_on: date | None = None,
        disabled: bool = False,
        user: User | None = None,
    ) -> Member:
        if user is None:
            identifier = self._id()
            user = User(
                id=identifier, email=f"{identifier.hex}@pro.example", first_name="Pro", last_name=f"P{identifier.hex[:8]}",
                password_hash=f"argon{identifier.hex}", disabled_at=now() if disabled else None,
            )  # fmt: skip
            link = AccountLink(
                id=self._id(),
                user_id=identifier,
                purpose=self.dice.choice(list(LinkPurpose)),
                expires_at=now() + timedelta(days=1),
            )
            self.rows += [user, link]
        membership = Membership(
            id=self._id(), user_id=user.id, organisation_id=organisation_id, cite_id=cite.id, role=role,
            started_on=date(2024, 1, 1), ended_on=ended_on,
        )  # fmt: skip
        self.rows.append(membership)
        return Member(user, membership, cite, role)

    def _travel(self) -> None:
        """Some work in the next Cité too, in another role."""
        for member in self.dice.sample(self.crowd.members, len(self.crowd.members) // 5):
            cite = self.crowd.cites[(self.crowd.cites.index(member.cite) + 1) % len(self.crowd.cites)]
            role = self.dice.choice([role for role in TEAM if role != member.role])
            self.crowd.members.append(
                self._hire(role, cite, member.membership.organisation_id, user=member.user)
            )

    def _meet(self, number: int) -> None:
        dice, cite = self.dice, self.dice.choice(self.crowd.cites)
        known = Known(self._id(), cite.id, _name(dice, self.crowd.names), number)
        self.crowd.people.append(known)
        self.crowd.names[known.last_name] = known
        spotters = self.crowd.of_role(cite.id, Role.SPOTTER, Role.REFERENT, Role.COORDINATOR)
        self.rows.append(
            Person(
                id=known.id, cite_id=cite.id, first_name=dice.choice(FIRST_NAMES), last_name=known.last_name,
                phone=f"+336{number:08d}", gender=dice.choice(list(Gender)), created_by_id=dice.choice(spotters).id,
            )
        )  # fmt: skip
        spotted_on = today() - timedelta(days=dice.randrange(20, 300))
        former = None
        if dice.random() < 0.25:
            left = dice.choice([Status.SORTI, Status.NON_ENTREE])
            former = self._walk(known, spotted_on - timedelta(days=200), left, spotters)
        status = dice.choice([*Status, Status.ACTIF, Status.ACTIF])
        linked = former if dice.random() < 0.5 else None
        self._walk(known, spotted_on, status, spotters, former=linked)

    def _walk(
        self,
        known: Known,
        spotted_on: date,
        status: Status,
        spotters: Sequence[Member],
        *,
        former: Parcours | None = None,
    ) -> Parcours:
        """One whole parcours, to a status; `former` is the one from which the person comes back."""
        dice = self.dice
        order = [
            Status.REPERE,
            Status.CONTACTE,
            Status.RENCONTRE,
            Status.DIAGNOSTIC,
            Status.ACTIF,
            Status.SORTI,
        ]
        dated = SAME_AS.get(status, status)
        reached = order.index(dated) if dated in order else 0
        days = [spotted_on + timedelta(days=2 * step) for step in range(6)]
        closed = status in (Status.SORTI, Status.NON_ENTREE)
        parcours = Parcours(
            id=self._id(), cite_id=known.cite_id, person_id=known.id, status=status, spotted_on=spotted_on,
            contacted_on=days[1] if reached >= 1 else None, met_on=days[2] if reached >= 2 else None,
            diagnosed_on=days[3] if reached >= 3 else None, started_on=days[4] if reached >= 4 else None,
            ended_on=days[5] if closed else None, end_reason="abandon" if status is Status.SORTI else "autre" if closed else None,
            reopened_from_id=former.id if former else None,
        )  # fmt: skip
        whose = {"cite_id": known.cite_id, "person_id": known.id, "parcours_id": parcours.id}
        by = dice.choice([*spotters, None])
        self.rows += [
            parcours,
            Spotting(
                **whose, id=self._id(), spotted_on=spotted_on, channel=SpottingChannel.ADULTE_RELAIS,
                spotted_by_id=by.id if by else None, first_need=f"jetonn{known.number:05d}",
            ),
            Transition(
                **whose, id=self._id(), event=Event.CONTACT_OK, from_status=Status.REPERE, to_status=Status.CONTACTE,
                happened_on=days[1], recorded_by_id=dice.choice(spotters).id,
            ),
            *life_of(parcours),
        ]  # fmt: skip
        if parcours.started_on:
            self.rows.append(
                Snapshot(
                    **whose,
                    id=self._id(),
                    moment=Moment.ENTRY,
                    taken_on=parcours.started_on,
                    recorded_at=now(),
                )
            )
        team = self._entrust(whose, days[1])
        if status is Status.SORTI:
            self._leave(whose, parcours)
        if parcours.started_on and dice.random() < 0.4:
            self._work(known, whose, parcours.started_on)
        if dice.random() < 0.4:
            colleagues = team or self.crowd.of_role(known.cite_id, *CASEWORK)
            self._assess(known, whose, dice.choice(colleagues), days[2])
            self._plan(known, whose, dice.choice(colleagues), days[2])
        for _ in range(dice.randrange(3) if status is not Status.REPERE else 0):
            self._follow(
                known, whose, dice.choice(team or self.crowd.of_role(known.cite_id, *CASEWORK)), days[2]
            )
        return parcours

    def _leave(self, whose: dict[str, Any], parcours: Parcours) -> None:
        """How an exit was read, and sometimes the situation that was asked on that day."""
        on = parcours.ended_on
        assert on is not None
        self.rows.append(
            Exit(
                **whose, exit_type=ExitReason.ABANDON, category=ExitCategory.AUTRE, ruleset_id=self.rulesets[whose["cite_id"]],
                recorded_at=now(),
            )
        )  # fmt: skip
        if self.dice.random() < 0.4:
            self.rows.append(
                Snapshot(**whose, id=self._id(), moment=Moment.EXIT, taken_on=on, recorded_at=now())
            )

    def _work(self, known: Known, whose: dict[str, Any], began: date) -> None:
        """A job that was held for some days, of which a check was noted."""
        job_id, mark = self._id(), f"jetons{known.number:05d}"
        of_person = {key: whose[key] for key in ("cite_id", "person_id")}
        self.rows += [
            Job(
                **whose, id=job_id, kind=JobKind.CONTRACT, contract="cdd_moins_6m", occupation=mark, employer=mark, started_on=began,
                ended_on=began + timedelta(days=2), end_reason="demission", created_at=now(),
            ),
            JobCheck(
                **of_person, id=self._id(), job_id=job_id, moment=CheckMoment.M6, done_on=began, in_job=False, note=mark,
                recorded_at=now(),
            ),
        ]  # fmt: skip

    def _assess(self, known: Known, whose: dict[str, Any], author: Member, on: date) -> None:
        """A finished version with a frein in it, one being filled, and the frein as it stands."""
        ties = {"cite_id": whose["cite_id"], "person_id": whose["person_id"]}
        for number, finished_on in ((1, on), (2, None)):
            diagnosis_id = self._id()
            self.rows.append(
                Diagnosis(
                    **whose, id=diagnosis_id, number=number, opened_on=on, finished_on=finished_on, author_id=author.id,
                    strengths=f"jetong{known.number:05d}", project=f"jetong{known.number:05d}",
                )
            )  # fmt: skip
        facts = {"status": self.dice.choice([FreinStatus.IDENTIFIE, FreinStatus.EN_COURS]), "severity": 2}
        self.rows += [
            Frein(**whose, id=self._id(), code="sante", identified_on=on, recorded_by_id=author.id, **facts),
            FreinReading(
                **ties, id=self._id(), diagnosis_id=diagnosis_id, code="sante", is_priority=False, **facts
            ),
        ]

    def _entrust(self, whose: dict[str, Any], on: date) -> list[Member]:
        """Who followed, who follows, who seconds; sometimes an organisation, sometimes somebody who left."""
        dice, at = self.dice, datetime.combine(on, time(9), UTC)
        colleagues = self.crowd.of_role(whose["cite_id"], Role.REFERENT)
        gone = [member for member in self.crowd.left if member.cite.id == whose["cite_id"]]
        team: list[Member] = []
        if dice.random() < 0.4:
            former = dice.choice([*colleagues, *gone])
            self._assign(whose, former, at, ended_at=at + timedelta(days=1))
        drawn = dice.random()
        if drawn < 0.6:
            team.append(dice.choice(colleagues if dice.random() < 0.9 else gone))
            self._assign(whose, team[0], at + timedelta(days=1))
        elif drawn < 0.7:
            lead = next(c for c in self.crowd.cites if c.id == whose["cite_id"]).chef_de_file_id
            self.rows.append(
                Assignment(**whose, id=self._id(), organisation_id=lead, started_at=at + timedelta(days=1))
            )
        for seconding in dice.sample(colleagues, dice.choice([0, 0, 1, 2])):
            if seconding not in team:
                ended_at = at + timedelta(days=3) if dice.random() < 0.3 else None
                self._assign(
                    whose,
                    seconding,
                    at + timedelta(days=2),
                    kind=AssignmentKind.CO_REFERENT,
                    ended_at=ended_at,
                )
                team += [seconding] if ended_at is None else []
        return team

    def _assign(self, whose: dict[str, Any], to: Member, at: datetime, **facts: Any) -> None:
        organisation_id = to.membership.organisation_id
        self.rows.append(
            Assignment(
                **whose,
                id=self._id(),
                referent_id=to.id,
                organisation_id=organisation_id,
                started_at=at,
                **facts,
            )
        )

    def _follow(self, known: Known, whose: dict[str, Any], author: Member, on: date) -> None:
        dice, mark = self.dice, f"{known.number:05d}"
        interview_id, step_id = self._id(), self._id()
        interview = Interview(
            **whose,
            id=interview_id,
            author_id=author.id,
            held_on=on,
            mode=InterviewMode.TELEPHONE,
            synthesis=f"jetons{mark}",
        )
        self.rows.append(interview)
        if dice.random() < 0.4:
            self.rows.append(
                InterviewVersion(
                    id=self._id(), cite_id=known.cite_id, person_id=known.id, interview_id=interview_id, number=1, held_on=on,
                    mode=InterviewMode.TELEPHONE, reached=True, synthesis=f"jetonv{mark}", replaced_by_id=author.id,
                )
            )  # fmt: skip
        due_on, settled = today() + timedelta(days=dice.randrange(-6, 4)), dice.random() < 0.3
        self.rows.append(
            NextStep(
                **whose, id=step_id, created_by_id=author.id, due_on=due_on, title=f"jetont{mark}",
                state=StepState.DONE if settled else StepState.TODO, settled_at=now() if settled else None,
                settled_by_id=author.id if settled else None,
            )
        )  # fmt: skip
        if dice.random() < 0.3:
            self.rows.append(
                Reminder(
                    **whose, id=self._id(), rule=ReminderRule.STEP_OVERDUE, subject_id=step_id, due_on=due_on - timedelta(days=30),
                    recipient_id=author.id, state=ReminderState.SENT, settled_at=now(),
                )
            )  # fmt: skip
        if dice.random() < 0.5:
            self.notes.append((interview_id, author.id, known.id, known.cite_id, f"jetonp{mark}"))
        if dice.random() < 0.3:
            self.drafts.append((author.id, f"entretien:{known.id}", f'{{"synthesis": "jetond{mark}"}}'))

    def _plan(self, known: Known, whose: dict[str, Any], author: Member, on: date) -> None:
        mark = f"{known.number:05d}"
        goal_id, etape_id, agreement_id, content = self._id(), self._id(), self._id(), b"%PDF-1.7"
        self.rows += [
            Goal(**whose, id=goal_id, label=f"jetons{mark}", opened_on=on, created_by_id=author.id),
            Etape(**whose, id=etape_id, type="permis_code", label=f"jetont{mark}", planned_to=on, created_by_id=author.id),
            EtapeGoal(**whose, etape_id=etape_id, goal_id=goal_id),
            Agreement(
                **whose, id=agreement_id, number=1, agreed_on=on, review_on=on + timedelta(days=91), way=AgreementWay.SIGNED,
                created_by_id=author.id,
            ),
            AgreementGoal(**whose, agreement_id=agreement_id, goal_id=goal_id, label=f"jetons{mark}"),
            Attachment(
                **whose, id=self._id(), subject=AttachmentSubject.AGREEMENT, subject_id=agreement_id, name=f"jetont{mark}.pdf",
                media_type="application/pdf", size=len(content), sha256="0", content=content, added_by_id=author.id, added_at=now(),
            ),
        ]  # fmt: skip

    def _tie(self) -> None:
        """Persons of one Cité, whoever follows them."""
        for known in self.dice.sample(self.crowd.people, len(self.crowd.people) // 2):
            near = [one for one in self.crowd.people if one.cite_id == known.cite_id and one.id > known.id]
            if near:
                self.rows.append(
                    PersonLink(
                        id=self._id(), cite_id=known.cite_id, person_id=known.id, other_id=self.dice.choice(near).id,
                        kind=self.dice.choice(list(LinkKind)),
                    )
                )  # fmt: skip

    def _go_away(self) -> None:
        """Référents who are, were or will be away, some of whom came back early; some replace each other in turn."""
        for cite in self.crowd.cites:
            team = self.crowd.of_role(cite.id, *CASEWORK)
            referents = {member.id: member for member in self.crowd.of_role(cite.id, Role.REFERENT)}
            for absent, (since, until, back) in zip(
                referents.values(), [(-3, 4, False), (0, 0, False), (-2, 9, True), (-9, -1, False), (1, 9, False)], strict=False
            ):  # fmt: skip
                deputy = self.dice.choice([member for member in team if member.id != absent.id])
                self.rows.append(
                    Absence(
                        id=self._id(), cite_id=cite.id, absent_id=absent.id, deputy_id=deputy.id,
                        starts_on=today() + timedelta(days=since), ends_on=today() + timedelta(days=until),
                        ended_early_at=now() if back else None, ended_by_id=absent.id if back else None,
                    )
                )  # fmt: skip

    def _report(self) -> None:
        for cite in self.crowd.cites:
            template_id = self._id()
            self.rows += [
                PlanTemplate(id=template_id, cite_id=cite.id, name="Retrouver une mobilité"),
                PlanTemplateLine(
                    template_id=template_id, rank=1, cite_id=cite.id, goal_label="Obtenir le permis"
                ),
            ]
        for cite in self.crowd.cites:
            self.rows.append(
                ActivityReport(
                    id=self._id(), cite_id=cite.id, occasion="monthly:2026-01", period_start=date(2026, 1, 1),
                    period_end=date(2026, 1, 31), as_of=date(2026, 2, 1),
                )
            )  # fmt: skip

    def write(self, world: World, databases: Databases) -> Crowd:
        """Write everything, once."""
        with Session(world.engine, expire_on_commit=False) as session:
            absences_last = sorted(Model.metadata.sorted_tables, key=lambda table: table.name == "absence")
            for table in absences_last:
                session.add_all(row for row in self.rows if row.__table__ is table)
                session.flush()
            session.commit()
            session.expunge_all()
        with databases.superuser.cursor() as cursor:
            cursor.executemany(
                "insert into private_note (interview_id, author_id, person_id, cite_id, body, updated_at) values (%s, %s, %s, %s, %s, now())",
                self.notes,
            )
            cursor.executemany(
                "insert into draft (author_id, form, fields, saved_at) values (%s, %s, %s, now()) on conflict do nothing",
                self.drafts,
            )
            cursor.execute(PASSED_ON)
            cursor.execute(LAPSED)
        return self.crowd


PASSED_ON = """
with followers as (
  select a.parcours_id, a.cite_id, a.referent_id as who from assignment a where a.ended_at is null
  union select a.parcours_id, a.cite_id, b.deputy_id from assignment a
    join absence b on b.absent_id = a.referent_id and b.cite_id = a.cite_id
    where a.ended_at is null and b.ended_early_at is null and app.today() between b.starts_on and b.ends_on),
chosen as (
  select distinct on (n.id) n.id, f.who from next_step n join followers f on f.parcours_id = n.parcours_id
  join membership m on m.user_id = f.who and m.cite_id = f.cite_id and m.role in ('referent', 'coordinator')
    and m.ended_on is null
  join user_account u on u.id = f.who and u.disabled_at is null
  where n.state = 'todo' and n.id::text < '8' order by n.id, md5(n.id::text || f.who::text))
update next_step n set entrusted_to_id = c.who, entrusted_by_id = c.who, entrusted_at = now(), entrusted_times = 1
from chosen c where c.id = n.id"""
"""Half of what is to be done is passed on to somebody who follows the person."""
LAPSED = """
update assignment a set ended_at = now() from next_step n
where n.parcours_id = a.parcours_id and n.entrusted_to_id = a.referent_id and a.kind = 'co_referent' and a.ended_at is null
  and n.id::text < '3'"""
"""Some of them no longer follow the person."""


def drawn_crowd(world: World, databases: Databases, seed: int, *, cites: int = 3, people: int = 90) -> Crowd:
    """A crowd, written in an empty database."""
    return Draw(seed, cites=cites, people=people).write(world, databases)


Row = dict[str, Any]


class Sight:
    """Who may see which rows, as it is said in words: read again by a superuser each time it is made."""

    def __init__(self, databases: Databases) -> None:
        self.databases = databases
        self.tables: dict[str, list[Row]] = {}

    def rows(self, table: str) -> list[Row]:
        """Every row of a table, whoever asks."""
        if table not in self.tables:
            cursor = self.databases.superuser.execute(sa.text(f"select * from {table}").text)
            names = [column.name for column in cursor.description or ()]
            self.tables[table] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return self.tables[table]

    def people(self, member: Member) -> set[uuid.UUID]:
        """Persons whose file somebody may open, in the Cité and the role they work in.

        A coordinator: the whole Cité. A référent: those they follow or second, those whom a colleague whom they replace
        today follows or seconds, and those they spotted whom no référent and no organisation follows. A spotter: those they spotted. Nobody else.
        """
        here = member.cite.id
        if member.role is Role.COORDINATOR:
            return {row["id"] for row in self.rows("person") if row["cite_id"] == here}
        spotted = {
            row["person_id"]
            for row in self.rows("spotting")
            if row["spotted_by_id"] == member.id and row["cite_id"] == here
        }
        if member.role is Role.SPOTTER:
            return spotted
        if member.role is not Role.REFERENT:
            return set()
        present = [
            row for row in self.rows("assignment") if row["ended_at"] is None and row["cite_id"] == here
        ]
        followed = {row["person_id"] for row in present if row["kind"] == "referent"}
        answers_for = self.answers_for(member)
        return {row["person_id"] for row in present if row["referent_id"] in answers_for} | (
            spotted - followed
        )

    def absences_now(self, cite_id: uuid.UUID) -> list[dict[str, Any]]:
        """Absences of a Cité that are under way today."""
        return [
            row
            for row in self.rows("absence")
            if row["cite_id"] == cite_id
            and row["ended_early_at"] is None
            and row["starts_on"] <= today() <= row["ends_on"]
        ]

    def answers_for(self, member: Member) -> set[uuid.UUID]:
        """Whose persons somebody follows today: their own, and those of whom they replace."""
        replaced = {
            row["absent_id"] for row in self.absences_now(member.cite.id) if row["deputy_id"] == member.id
        }
        return {member.id} | replaced

    def cases(self, member: Member) -> set[uuid.UUID]:
        """Persons whose exchanges and next steps somebody may read: the same, but for spotters."""
        return self.people(member) if member.role in CASEWORK else set()

    def keys(self, relation: str, member: Member) -> set[Any] | None:
        """Keys of the rows that `select *` may answer; None when it must be refused."""
        return RELATIONS[relation](self, member)

    def seen(
        self, table: str, people: set[uuid.UUID], *, column: str = "person_id", key: str = "id"
    ) -> set[Any]:
        """Rows of some persons."""
        return {row[key] for row in self.rows(table) if row[column] in people}

    def of_cite(self, table: str, member: Member, roles: Sequence[Role], key: str) -> set[Any]:
        """Rows of the Cité, for some roles."""
        return {
            row[key] for row in self.rows(table) if row["cite_id"] == member.cite.id and member.role in roles
        }


FIGURES = (Role.REFERENT, Role.COORDINATOR, Role.CHEF_DE_FILE, Role.FUNDER)
REVIEWS = (Role.COORDINATOR, Role.CHEF_DE_FILE, Role.FUNDER)


def _invited(sight: Sight, member: Member) -> set[Any]:
    colleagues = {row["user_id"] for row in sight.rows("membership") if row["cite_id"] == member.cite.id}
    return {
        row["id"]
        for row in sight.rows("account_link")
        if row["user_id"] == member.id
        or (
            member.role is Role.ADMINISTRATOR
            and row["user_id"] in colleagues
            and row["purpose"] == "invitation"
        )
    }


def _mine(table: str, column: str, key: str) -> Any:
    return lambda sight, member: {row[key] for row in sight.rows(table) if row[column] == member.id}


def _all(table: str, key: str = "id") -> Any:
    return lambda sight, _member: {row[key] for row in sight.rows(table)}


def _people(table: str) -> Any:
    return lambda sight, member: sight.seen(table, sight.people(member))


def _cases(table: str) -> Any:
    return lambda sight, member: sight.seen(table, sight.cases(member))


def _readable(table: str, key: str) -> Any:
    """Those of the nation and of the Cité."""
    return lambda sight, member: {
        row[key] for row in sight.rows(table) if row["cite_id"] in (None, member.cite.id)
    }


RELATIONS: dict[str, Any] = {
    "public.person": lambda sight, member: sight.people(member),
    "public.parcours": _people("parcours"),
    "public.spotting": _people("spotting"),
    "public.parcours_transition": _people("parcours_transition"),
    "public.assignment": _people("assignment"),
    "public.interview": _cases("interview"),
    "public.interview_version": _cases("interview_version"),
    "public.next_step": _cases("next_step"),
    "public.reminder": _cases("reminder"),
    "public.diagnosis": _cases("diagnosis"),
    "public.frein": _cases("frein"),
    "public.frein_reading": _cases("frein_reading"),
    "public.person_link": lambda sight, member: {
        row["id"]
        for row in sight.rows("person_link")
        if {row["person_id"], row["other_id"]} <= sight.cases(member)
    },
    "public.absence": lambda sight, member: sight.of_cite("absence", member, CASEWORK, "id"),
    "public.private_note": lambda sight, member: {
        row["interview_id"]
        for row in sight.rows("private_note")
        if row["author_id"] == member.id and row["person_id"] in sight.cases(member)
    },
    "public.draft": _mine("draft", "author_id", "form"),
    "public.activity_report": lambda sight, member: sight.of_cite("activity_report", member, REVIEWS, "id"),
    "public.outgoing": lambda _sight, _member: None,
    "public.user_account": lambda _sight, _member: None,
    "public.sign_in_session": _mine("sign_in_session", "user_id", "id"),
    "public.account_link": _invited,
    "public.membership": _all("membership"),
    "public.organisation": _all("organisation"),
    "public.cite": _all("cite"),
    "public.programme_year": _all("programme_year", "year"),
    "public.cite_commune": _all("cite_commune", "insee_code"),
    "public.cite_qpv": _all("cite_qpv", "qpv_id"),
    "public.collective_member": _all("collective_member", "organisation_id"),
    "public.list_item": lambda sight, member: {
        row["id"] for row in sight.rows("list_item") if row["cite_id"] in (None, member.cite.id)
    },
    "public.rome_name": _all("rome_name"),
    "public.suspension": _cases("suspension"),
    "public.job": _cases("job"),
    "public.job_check": _cases("job_check"),
    "public.parcours_exit": lambda sight, member: sight.seen(
        "parcours_exit", sight.cases(member), key="parcours_id"
    ),
    "public.situation_snapshot": _cases("situation_snapshot"),
    "public.goal": _cases("goal"),
    "public.etape": _cases("etape"),
    "public.etape_goal": lambda sight, member: sight.seen("etape_goal", sight.cases(member), key="etape_id"),
    "public.agreement": _cases("agreement"),
    "public.agreement_goal": lambda sight, member: sight.seen(
        "agreement_goal", sight.cases(member), key="agreement_id"
    ),
    "public.attachment": _cases("attachment"),
    "public.plan_template": lambda sight, member: sight.of_cite("plan_template", member, CASEWORK, "id"),
    "public.plan_template_line": lambda sight, member: sight.of_cite(
        "plan_template_line", member, CASEWORK, "template_id"
    ),
    "public.exit_ruleset": _readable("exit_ruleset", "id"),
    "public.exit_rule": _readable("exit_ruleset", "id"),
    "public.qpv": _all("qpv"),
    "public.qpv_commune": _all("qpv_commune", "qpv_id"),
    "public.heartbeat": _all("heartbeat", "part"),
    "public.alembic_version": _all("alembic_version", "version_num"),
    "app.parcours_move": _all("app.parcours_move", "from_status"),
    "app.case_facts": lambda sight, member: sight.of_cite("parcours", member, FIGURES, "id"),
    "app.present_cases": lambda sight, member: sight.of_cite("parcours", member, CASEWORK, "person_id"),
    "app.pause_facts": lambda sight, member: sight.of_cite("suspension", member, FIGURES, "parcours_id"),
    "app.contact_facts": lambda sight, member: sight.of_cite("interview", member, FIGURES, "id"),
    "app.assignment_facts": lambda sight, member: sight.of_cite("assignment", member, FIGURES, "id"),
}
"""Every relation that the web may name, and what `select *` answers in it. One that is not here is not served."""

KEYS = {
    "app.case_facts": "parcours_id", "app.pause_facts": "parcours_id", "public.parcours_exit": "parcours_id",
    "public.exit_rule": "ruleset_id", "public.etape_goal": "etape_id", "public.agreement_goal": "agreement_id",
    "public.plan_template_line": "template_id",
    "app.present_cases": "person_id", "app.contact_facts": "interview_id", "app.assignment_facts": "assignment_id",
    "public.private_note": "interview_id", "public.draft": "form", "public.programme_year": "year",
    "public.cite_commune": "insee_code", "public.cite_qpv": "qpv_id", "public.collective_member": "organisation_id",
    "public.qpv_commune": "qpv_id", "public.heartbeat": "part", "public.alembic_version": "version_num",
    "app.parcours_move": "from_status",
}  # fmt: skip
