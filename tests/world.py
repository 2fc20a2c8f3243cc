"""A small made-up world: Cités, professionals and persons, written as the worker's role, really committed."""

import hashlib
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from cityjobs.accounts.models import Membership, SignInSession, User
from cityjobs.core.clock import today
from cityjobs.core.permissions import Role
from cityjobs.followups.models import Interview, NextStep
from cityjobs.followups.rules import InterviewMode
from cityjobs.parcours.models import Absence, Assignment, Job, Parcours, Spotting, Suspension
from cityjobs.parcours.rules.jobs import JobKind
from cityjobs.parcours.rules.lifecycle import CLOSED_STATUSES, Status
from cityjobs.parcours.rules.reasons import SpottingChannel
from cityjobs.people.models import Person, PersonLink
from cityjobs.people.rules import Gender, LinkKind, other_way
from cityjobs.territory.models import Cite, CollectiveMember, Organisation
from cityjobs.territory.rules import OrganisationFamily

ORDER = [Status.REPERE, Status.CONTACTE, Status.RENCONTRE, Status.DIAGNOSTIC, Status.ACTIF, Status.SORTI]
SAME_AS = {
    Status.EN_VALIDATION: Status.DIAGNOSTIC,
    Status.SUSPENDU: Status.ACTIF,
    Status.SUIVI_EMPLOI: Status.ACTIF,
}
"""As far as the days of a parcours say."""


@dataclass(frozen=True)
class Member:
    """A professional in one membership."""

    user: User
    membership: Membership
    cite: Cite
    role: Role

    @property
    def id(self) -> uuid.UUID:
        """The user's identifier."""
        return self.user.id


@dataclass(frozen=True)
class Case:
    """A person with one parcours."""

    person: Person
    parcours: Parcours
    assignment: Assignment | None

    @property
    def id(self) -> uuid.UUID:
        """The person's identifier, as in URLs."""
        return self.person.id


def life_of(parcours: Parcours) -> list[Any]:
    """What a parcours that is suspended, or follows a job, has beside its status."""
    of: dict[str, Any] = {
        "cite_id": parcours.cite_id,
        "person_id": parcours.person_id,
        "parcours_id": parcours.id,
        "created_at": datetime.now(UTC),
    }
    since = parcours.started_on
    if parcours.status == Status.SUSPENDU and since:
        end = since + timedelta(days=90)
        return [Suspension(reason="raison_personnelle", started_on=since, expected_end_on=end, **of)]
    if parcours.status == Status.SUIVI_EMPLOI and since:
        return [Job(kind=JobKind.CONTRACT, contract="cdi", started_on=since, **of)]
    return []


class World:
    """Makes what a test needs; each row is committed by itself, as soon as it is written."""

    def __init__(self, database: sa.Engine | sa.Connection) -> None:
        self.engine = database.engine
        self.session = Session(
            database.execution_options(isolation_level="AUTOCOMMIT"), expire_on_commit=False
        )
        self.is_together = False
        self.counter = 0

    def keep(self, *rows: Any) -> None:
        """Write rows: one alone is committed as it is written, which costs a third of a transaction."""
        self.session.add_all(rows)
        if self.is_together:
            self.session.flush()
        elif len(self.session.new) + len(self.session.dirty) > 1:
            with self.together():
                self.session.flush()
        else:
            self.session.commit()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Commit at the end what would be refused alone: a parcours that is suspended, and its suspension."""
        self.session.connection().exec_driver_sql("begin")
        self.is_together = True
        try:
            yield
            self.session.flush()
            self.session.connection().exec_driver_sql("commit")
            self.session.commit()
        except BaseException:
            self.session.rollback()
            raise
        finally:
            self.is_together = False

    def next(self) -> int:
        """A number not used before in this world."""
        self.counter += 1
        return self.counter

    def cite(self, name: str = "Roubaix", **settings: Any) -> Cite:
        """A Cité with an association as chef de file."""
        lead = Organisation(
            name=f"Porteur {name} {self.next()}", family=OrganisationFamily.COLLECTIVITE, kind="COMMUNE"
        )
        self.keep(lead)
        cite = Cite(
            id=uuid.uuid4(),
            slug=f"{name.lower()}-{self.next()}",
            name=name,
            programme_name="Cités de l’emploi",
            labelled_year=2021,
            chef_de_file_id=lead.id,
            **settings,
        )
        self.keep(cite)
        self.keep(CollectiveMember(cite_id=cite.id, organisation_id=lead.id))
        return cite

    def organisation(self, cite: Cite, name: str | None = None, **facts: Any) -> Organisation:
        """A member of the collective."""
        organisation = Organisation(
            id=uuid.uuid4(),
            name=name or f"Association {self.next()}",
            family=OrganisationFamily.ASSOCIATION,
            **{"kind": "ASSO_PROXIMITE", **facts},
        )
        self.keep(organisation)
        self.keep(CollectiveMember(cite_id=cite.id, organisation_id=organisation.id))
        return organisation

    def member(
        self,
        role: Role | str,
        cite: Cite,
        *,
        first_name: str = "Samira",
        last_name: str | None = None,
        **facts: Any,
    ) -> Member:
        """A professional with one membership."""
        number = self.next()
        user = User(
            id=uuid.uuid4(),
            email=facts.pop("email", f"pro{number}@cite.example"),
            first_name=first_name,
            last_name=last_name or f"Lahlou{number}",
            password_hash=facts.pop("password_hash", None),
        )
        self.keep(user)
        return self.also(user, role, cite, **facts)

    def also(self, user: User, role: Role | str, cite: Cite, **facts: Any) -> Member:
        """One more membership of the same professional."""
        organisation_id = facts.pop("organisation_id", None) or cite.chef_de_file_id
        membership = Membership(
            id=uuid.uuid4(),
            user_id=user.id,
            organisation_id=organisation_id,
            cite_id=cite.id,
            role=Role(role),
            started_on=facts.pop("started_on", date(2024, 1, 1)),
            **facts,
        )
        self.keep(membership)
        return Member(user, membership, cite, Role(role))

    def open_session(self, member: Member) -> str:
        """A session on the server; returns the token of its cookie."""
        token = secrets.token_urlsafe(32)
        now = datetime.now(UTC)
        self.keep(
            SignInSession(
                token_hash=hashlib.sha256(token.encode()).hexdigest(),
                user_id=member.user.id,
                membership_id=member.membership.id,
                opened_at=now,
                last_seen_at=now,
                device="test",
            )
        )
        return token

    def case(
        self,
        cite: Cite,
        *,
        referent: Member | None = None,
        spotted_by: Member | None = None,
        status: Status = Status.ACTIF,
        first_name: str = "Nadia",
        last_name: str | None = None,
        days_ago: int = 60,
        **facts: Any,
    ) -> Case:
        """A person whose parcours went, day after day, to a status."""
        number = self.next()
        person = Person(
            id=uuid.uuid4(),
            cite_id=cite.id,
            first_name=first_name,
            last_name=last_name or f"Lefebvre{number}",
            **{"phone": f"+336{number:08d}", "gender": Gender.FEMME, **facts},
        )
        spotted_on = today() - timedelta(days=days_ago)
        dated = SAME_AS.get(status, status)
        reached = ORDER.index(dated) if dated in ORDER else 0
        days = [spotted_on + timedelta(days=step) for step in range(6)]
        parcours = Parcours(
            id=uuid.uuid4(),
            cite_id=cite.id,
            person_id=person.id,
            status=status,
            spotted_on=spotted_on,
            contacted_on=days[1] if reached >= 1 else None,
            met_on=days[2] if reached >= 2 else None,
            diagnosed_on=days[3] if reached >= 3 else None,
            started_on=days[4] if reached >= 4 else None,
            ended_on=days[5] if status in CLOSED_STATUSES else None,
            end_reason="autre" if status is Status.NON_ENTREE else "cdi" if status is Status.SORTI else None,
        )
        spotting = Spotting(
            cite_id=cite.id,
            person_id=person.id,
            parcours_id=parcours.id,
            spotted_on=spotted_on,
            channel=SpottingChannel.ADULTE_RELAIS,
            spotted_by_id=spotted_by.id if spotted_by else None,
        )
        self.keep(person)
        with self.together():
            self.keep(parcours)
            self.keep(*life_of(parcours), spotting)
        assignment = self.assign(person, parcours, referent) if referent else None
        return Case(person, parcours, assignment)

    def assign(self, person: Person, parcours: Parcours, referent: Member, **facts: Any) -> Assignment:
        """Make somebody the référent."""
        assignment = Assignment(
            id=uuid.uuid4(),
            cite_id=person.cite_id,
            person_id=person.id,
            parcours_id=parcours.id,
            referent_id=referent.id,
            organisation_id=referent.membership.organisation_id,
            **facts,
        )
        self.keep(assignment)
        return assignment

    def interview(self, case: Case, author: Member, *, days_ago: int = 5, **facts: Any) -> Interview:
        """An exchange that took place."""
        interview = Interview(
            id=uuid.uuid4(),
            cite_id=case.person.cite_id,
            person_id=case.person.id,
            parcours_id=case.parcours.id,
            author_id=author.id,
            held_on=today() - timedelta(days=days_ago),
            **{"mode": InterviewMode.TELEPHONE, "synthesis": "Point sur les démarches.", **facts},
        )
        self.keep(interview)
        return interview

    def step(self, case: Case, author: Member, *, in_days: int = 3, **facts: Any) -> NextStep:
        """Something that comes next."""
        step = NextStep(
            id=uuid.uuid4(),
            cite_id=case.person.cite_id,
            person_id=case.person.id,
            parcours_id=case.parcours.id,
            created_by_id=author.id,
            due_on=today() + timedelta(days=in_days),
            **{"title": "Rappeler la crèche", **facts},
        )
        self.keep(step)
        return step

    def pass_on(self, step: NextStep, to: Member, by: Member, because: str | None = None) -> None:
        """Something to do becomes a colleague's."""
        step.entrusted_to_id, step.entrusted_by_id, step.entrusted_because = to.id, by.id, because
        step.entrusted_at, step.entrusted_times = datetime.now(UTC), (step.entrusted_times or 0) + 1
        self.keep(step)

    def absence(
        self, absent: Member, deputy: Member, *, since: int = 0, until: int = 7, **facts: Any
    ) -> Absence:
        """Somebody away from some days ahead of today to some others, and who replaces them."""
        absence = Absence(
            id=uuid.uuid4(),
            cite_id=absent.cite.id,
            absent_id=absent.id,
            deputy_id=deputy.id,
            starts_on=today() + timedelta(days=since),
            ends_on=today() + timedelta(days=until),
            created_by_id=absent.id,
            **facts,
        )
        self.keep(absence)
        return absence

    def tie(self, one: Case, other: Case, kind: LinkKind = LinkKind.FRATRIE) -> PersonLink:
        """Two persons of one household; `kind` is what the other is for the first."""
        first, second, told = (one, other, kind) if one.id < other.id else (other, one, other_way(kind))
        link = PersonLink(
            id=uuid.uuid4(), cite_id=one.person.cite_id, person_id=first.id, other_id=second.id, kind=told
        )
        self.keep(link)
        return link
