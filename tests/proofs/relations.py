"""Two Cités in which everybody has something: how whoever asks stands to each thing that an address can name."""

import enum
import random
import string
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import Flask

from cityjobs.accounts.links import path_of
from cityjobs.accounts.models import AccountLink, SignInSession
from cityjobs.accounts.queries import token_hash
from cityjobs.accounts.rules import IDLE_LIMIT, SESSION_LIMIT, LinkPurpose
from cityjobs.core.clock import now, today
from cityjobs.core.permissions import Role
from cityjobs.diagnosis.models import Diagnosis, Frein
from cityjobs.diagnosis.rules import FreinStatus
from cityjobs.parcours.models import ExitRuleRow, ExitRuleset, Job, Parcours
from cityjobs.parcours.rules.exits import ExitCategory
from cityjobs.parcours.rules.jobs import JobKind
from cityjobs.parcours.rules.lifecycle import AssignmentKind, Status
from cityjobs.parcours.rules.reasons import ExitReason
from cityjobs.plans.rules import KeptLine
from cityjobs.reporting.models import ActivityReport
from cityjobs.reporting.rules.reports import ReportState
from cityjobs.territory.models import Cite, CiteCommune, CiteQpv, Organisation, ProgrammeYear, Qpv
from cityjobs.vocabulary.models import ListItem
from cityjobs.vocabulary.rules import ListName
from tests.manners import PageClient
from tests.plans import makers
from tests.proofs.places import CASES, CHILDREN, LINKS, OWN, Named
from tests.world import Case, Member, World


class Relation(enum.Enum):
    """How whoever asks stands to what is named."""

    NONE = "names nothing"
    OWNER = "their référent"
    SECOND = "their co-référent"
    FORMER = "their référent once"
    SPOTTED_WAITING = "spotted by oneself, followed by nobody"
    SPOTTED_FOLLOWED = "spotted by oneself, followed by a colleague"
    REPLACED = "of an absent colleague whom one replaces"
    HANDED_BACK = "of a colleague whom one replaced until yesterday"
    COLLEAGUE = "a colleague’s"
    WAITING = "followed by nobody, spotted by a colleague"
    OWN_ELSEWHERE = "one’s own, in the other Cité"
    OTHER_CITE = "of another Cité"
    MIXED = "the file one reaches most, with the child of a colleague’s"
    HERE = "of the Cité"
    ENDED = "over"
    MINE = "one’s own"
    USABLE = "not used yet"
    SPENT = "already used"
    NOWHERE = "not there"


OF_CASES = (
    Relation.OWNER,
    Relation.SECOND,
    Relation.FORMER,
    Relation.SPOTTED_WAITING,
    Relation.SPOTTED_FOLLOWED,
    Relation.REPLACED,
    Relation.HANDED_BACK,
    Relation.COLLEAGUE,
    Relation.WAITING,
    Relation.OWN_ELSEWHERE,
    Relation.OTHER_CITE,
    Relation.NOWHERE,
)


def relations_of(named: Named) -> tuple[Relation, ...]:
    """In which ways one can stand to what a route names."""
    if named in CASES:
        return (*OF_CASES, Relation.MIXED) if named in CHILDREN else OF_CASES
    if named in OWN:
        over = (Relation.ENDED,) if named is Named.MISSION else ()
        return (Relation.MINE, Relation.COLLEAGUE, Relation.NOWHERE, *over)
    if named in LINKS:
        return (Relation.USABLE, Relation.SPENT, Relation.NOWHERE)
    if named in (Named.NOTHING, Named.LOCK, Named.BEARER):
        return (Relation.NONE,)
    if named is Named.ABSENCE:
        return (Relation.MINE, Relation.HERE, Relation.OTHER_CITE, Relation.NOWHERE)
    if named is Named.KNOWN_QPV:
        return (Relation.HERE, Relation.NOWHERE)
    over = (Relation.ENDED,) if named is Named.MEMBER else ()
    return (Relation.HERE, Relation.OTHER_CITE, Relation.NOWHERE, *over)


class Standing(enum.Enum):
    """In what state whoever asks comes."""

    WORKING = "at work"
    ENDED = "whose mission ended"
    NOT_YET = "whose mission begins tomorrow"
    LOCKED = "silent for more than half an hour"
    OVER = "signed in for more than twelve hours"
    REVOKED = "whose session was closed"
    DISABLED = "whose account is disabled"
    SIGNED_OUT = "signed out"


OPENING = frozenset({Role.REFERENT, Role.COORDINATOR, Role.SPOTTER})
"""Roles that open files: they also have a mission in the other Cité, where they would open everything."""

CASEWORK = frozenset({Role.REFERENT, Role.COORDINATOR})
"""Roles that are away from somebody, and that replace."""

IN = frozenset({Standing.WORKING, Standing.ENDED, Standing.NOT_YET})


@dataclass(frozen=True)
class Actor:
    """Somebody at a keyboard: as what, in what state, with which cookie and which token."""

    role: Role
    standing: Standing
    cookie: str
    token: str

    @property
    def name(self) -> str:
        """For a line of the report."""
        return f"{self.role} {self.standing.value}"


Values = dict[str, Any]


class Town:
    """Everything that the matrix asks for; nothing in it moves."""

    def __init__(self, world: World, app: Flask) -> None:
        self.world, self.app = world, app
        self.letters = random.Random(1)  # noqa: S311 - names, not secrets
        self.actors: list[Actor] = []
        self.identifiers: dict[uuid.UUID, Values] = {}
        self.everybody: list[Case] = []
        self.cases: dict[tuple[Actor, Relation], Case] = {}
        self.things: dict[tuple[Actor, Named, Relation], Values] = {}
        self.here, self.there = world.cite("Roubaix"), world.cite("Calais")
        self.colleague = world.member(Role.REFERENT, self.here)
        self.third = world.member(Role.REFERENT, self.here)
        self.stranger = world.member(Role.REFERENT, self.there)
        self.second_stranger = world.member(Role.REFERENT, self.there)
        self.shared = {
            Relation.COLLEAGUE: self.case(self.here, referent=self.colleague),
            Relation.WAITING: self.case(self.here, spotted_by=self.colleague),
            Relation.OTHER_CITE: self.case(self.there, referent=self.stranger),
        }
        self.tie(self.shared[Relation.COLLEAGUE], self.shared[Relation.WAITING])
        self.tie(self.shared[Relation.OTHER_CITE], self.case(self.there, referent=self.stranger))
        self.common = self.things_of_cites()
        for role in Role:
            self.add_actor(role, Standing.WORKING)
        for standing in Standing:
            if standing is not Standing.WORKING:
                self.add_actor(Role.COORDINATOR, standing)

    # Who asks

    def add_actor(self, role: Role, standing: Standing) -> None:
        """Somebody with one of each: files they follow, seconded, followed once, spotted; sessions and missions."""
        dates = {
            Standing.ENDED: {"ended_on": today()},
            Standing.NOT_YET: {"started_on": today() + timedelta(1)},
        }
        member = self.world.member(role, self.here, **dates.get(standing, {}))
        elsewhere = self.world.also(member.user, Role.COORDINATOR, self.there) if role in OPENING else member
        over = self.world.also(
            member.user,
            role,
            self.here,
            organisation_id=self.world.organisation(self.here).id,
            ended_on=today(),
        )
        cookie, token = self.cookie_of(member, standing)
        actor = Actor(role, standing, cookie, token)
        self.actors.append(actor)
        self.cases |= {(actor, relation): case for relation, case in self.shared.items()}
        self.cases |= {(actor, relation): case for relation, case in self.cases_of(member, standing).items()}
        self.things |= {(actor, named, relation): found for (named, relation), found in self.common.items()}
        own = self.session_of(member)
        mine = member.membership if standing is Standing.WORKING else elsewhere.membership
        self.things[actor, Named.SESSION, Relation.MINE] = {"session_id": own.id}
        self.things[actor, Named.MISSION, Relation.MINE] = {"membership_id": mine.id}
        if role in CASEWORK and standing not in (Standing.ENDED, Standing.NOT_YET, Standing.DISABLED):
            mine_then = self.absence_of(member)
        else:
            mine_then = self.common[Named.ABSENCE, Relation.HERE]
        self.things[actor, Named.ABSENCE, Relation.MINE] = mine_then
        self.things[actor, Named.MISSION, Relation.ENDED] = {"membership_id": over.membership.id}

    def cookie_of(self, member: Member, standing: Standing) -> tuple[str, str]:
        """The cookie of a new session in a certain state, and the token that goes with it."""
        client = PageClient(self.app)
        if standing is not Standing.SIGNED_OUT:
            token = self.world.open_session(member)
            with client.session_transaction() as cookie:
                cookie["_user_id"], cookie["_fresh"] = token, True
            self.put_in_state(member, standing, token)
        forgery_token = client.token()
        kept = client.flask.get_cookie(self.app.config["SESSION_COOKIE_NAME"])
        assert kept is not None
        return f"{kept.key}={kept.value}", forgery_token

    def put_in_state(self, member: Member, standing: Standing, token: str) -> None:
        """Make a session, or the account behind it, what a standing says."""
        session = self.world.session
        opened = session.query(SignInSession).filter_by(token_hash=token_hash(token)).one()
        if standing is Standing.LOCKED:
            opened.last_seen_at = now() - IDLE_LIMIT - timedelta(minutes=1)
        elif standing is Standing.OVER:
            opened.opened_at = now() - SESSION_LIMIT - timedelta(minutes=1)
        elif standing is Standing.REVOKED:
            opened.revoked_at = now()
        elif standing is Standing.DISABLED:
            member.user.disabled_at = now()
        session.commit()

    def session_of(self, member: Member) -> SignInSession:
        """One more open session of somebody."""
        token = self.world.open_session(member)
        return self.world.session.query(SignInSession).filter_by(token_hash=token_hash(token)).one()

    # What is named

    def case(self, cite: Cite, **facts: Any) -> Case:
        """A person whose name is like no other, with an exchange, a next step and somebody who seconds."""
        name = "".join(self.letters.choices(string.ascii_lowercase, k=12)).capitalize()
        case = self.world.case(cite, last_name=name, **facts)
        self.everybody.append(case)
        other = self.third if cite is self.here else self.second_stranger
        seconding = self.world.assign(case.person, case.parcours, other, kind=AssignmentKind.CO_REFERENT)
        job, left = self.past_of(case)
        ties = {"cite_id": cite.id, "person_id": case.id, "parcours_id": case.parcours.id}
        first = Diagnosis(
            id=uuid.uuid4(), **ties, number=1, opened_on=today(), finished_on=today(), author_id=other.id
        )
        frein = Frein(
            id=uuid.uuid4(), **ties, code="mobilite", status=FreinStatus.IDENTIFIE, identified_on=today()
        )
        self.world.keep(first, frein)
        self.identifiers[case.id] = {
            "frein_id": frein.id,
            "person_id": case.id,
            "interview_id": self.world.interview(case, other).id,
            "step_id": self.world.step(case, other).id,
            "assignment_id": seconding.id,
            "job_id": job.id,
            "parcours_id": left.id,
            **self.plan_of(case, other),
        }
        return case

    def plan_of(self, case: Case, author: Member) -> Values:
        """A goal, an étape towards it, an agreement whose number is like no other, and a paper of it."""
        goal = makers.goal(self.world, case)
        held = makers.agreement(self.world, case, author, goal, number=self.world.next())
        return {
            "goal_id": goal.id,
            "etape_id": makers.etape(self.world, case, goal).id,
            "number": held.number,
            "paper_id": makers.paper(self.world, case, held, author).id,
        }

    def past_of(self, case: Case) -> tuple[Job, Parcours]:
        """A job that stopped, and a parcours that ended before this one."""
        began, ended = today() - timedelta(days=120), today() - timedelta(days=80)
        since = case.parcours.started_on or case.parcours.spotted_on
        job = Job(
            id=uuid.uuid4(), cite_id=case.person.cite_id, person_id=case.id, parcours_id=case.parcours.id, kind=JobKind.CONTRACT,
            contract="cdi", started_on=since, ended_on=today(), end_reason="demission", created_at=now(),
        )  # fmt: skip
        left = Parcours(
            id=uuid.uuid4(), cite_id=case.person.cite_id, person_id=case.id, status=Status.SORTI, spotted_on=began,
            started_on=began, ended_on=ended, end_reason="cdi",
        )  # fmt: skip
        self.world.keep(job, left)
        return job, left

    def cases_of(self, member: Member, standing: Standing) -> dict[Relation, Case]:
        """One file for each way of standing to it that is one's own."""
        away, back = self.world.member(Role.REFERENT, self.here), self.world.member(Role.REFERENT, self.here)
        theirs = {
            Relation.OWNER: self.case(self.here, referent=member),
            Relation.SECOND: self.case(self.here, referent=self.colleague),
            Relation.FORMER: self.case(self.here, referent=self.colleague),
            Relation.SPOTTED_WAITING: self.case(self.here, spotted_by=member),
            Relation.SPOTTED_FOLLOWED: self.case(self.here, spotted_by=member, referent=self.colleague),
            Relation.REPLACED: self.case(self.here, referent=away),
            Relation.HANDED_BACK: self.case(self.here, referent=back),
            Relation.OWN_ELSEWHERE: self.case(self.there, referent=member),
        }
        if member.role in CASEWORK and standing not in (Standing.ENDED, Standing.NOT_YET, Standing.DISABLED):
            self.world.absence(away, member)
            self.world.absence(back, member, since=-9, until=-1)
        self.tie(theirs[Relation.OWNER], theirs[Relation.SECOND])
        self.tie(theirs[Relation.SPOTTED_WAITING], theirs[Relation.REPLACED])
        self.tie(theirs[Relation.FORMER], theirs[Relation.SPOTTED_FOLLOWED])
        self.tie(theirs[Relation.HANDED_BACK], self.case(self.here, referent=back))
        self.tie(theirs[Relation.OWN_ELSEWHERE], self.case(self.there, referent=member))
        second, former = theirs[Relation.SECOND], theirs[Relation.FORMER]
        self.world.assign(second.person, second.parcours, member, kind=AssignmentKind.CO_REFERENT)
        before = datetime.now(UTC) - timedelta(days=20)
        self.world.assign(
            former.person, former.parcours, member, started_at=before, ended_at=before + timedelta(days=9)
        )
        return theirs

    def tie(self, one: Case, other: Case) -> None:
        """Two persons of one household, seen by whoever may open both."""
        link = self.world.tie(one, other)
        for case in (one, other):
            self.identifiers[case.id]["link_id"] = link.id

    def absence_of(self, member: Member) -> Values:
        """An absence of somebody, which is over."""
        deputy = self.third if member.cite is self.here else self.second_stranger
        return {"absence_id": self.world.absence(member, deputy, since=-40, until=-30).id}

    def things_of_cites(self) -> dict[tuple[Named, Relation], Values]:
        """What is not a person’s: of this Cité, of the other, already over."""
        places = {
            Relation.HERE: (self.here, self.colleague),
            Relation.OTHER_CITE: (self.there, self.stranger),
        }
        things: dict[tuple[Named, Relation], Values] = {}
        for number, (relation, (cite, referent)) in enumerate(places.items()):
            found = self.furnish(cite, referent, number)
            things |= {(named, relation): values for named, values in found.items()}
        things[Named.KNOWN_QPV, Relation.HERE] = things[Named.QPV, Relation.HERE]
        gone = self.world.member(Role.REFERENT, self.here, ended_on=today())
        things[Named.MEMBER, Relation.ENDED] = {"membership_id": gone.membership.id}
        things[Named.SESSION, Relation.COLLEAGUE] = {"session_id": self.session_of(self.colleague).id}
        things[Named.MISSION, Relation.COLLEAGUE] = {"membership_id": self.colleague.membership.id}
        for named, purpose in ((Named.INVITATION, LinkPurpose.INVITATION), (Named.RESET, LinkPurpose.RESET)):
            things[named, Relation.USABLE] = {"token": self.link(purpose, used=False)}
            things[named, Relation.SPENT] = {"token": self.link(purpose, used=True)}
        return things

    def furnish(self, cite: Cite, referent: Member, number: int) -> dict[Named, Values]:
        """One of each thing that belongs to a Cité."""
        keep, batch = self.world.keep, uuid.uuid4()
        case = self.case(cite)
        self.world.assign(case.person, case.parcours, referent, batch_id=batch)
        organisation: Organisation = self.world.organisation(cite)
        year, code = 2031 + number, f"5951{number}"
        qpv = Qpv(
            id=uuid.uuid4(), code=f"QN0591{number}I", name=f"Quartier {number}", generation=2024, valid_from=date(2024, 1, 1)
        )  # fmt: skip
        report = ActivityReport(
            id=uuid.uuid4(), cite_id=cite.id, occasion="monthly:2026-01", period_start=date(2026, 1, 1),
            period_end=date(2026, 1, 31), as_of=date(2026, 2, 1), state=ReportState.READY, progress=100,
            definitions_version=1, figures={}, definitions={}, xlsx=b"xlsx", pdf=b"pdf", ready_at=now(),
        )  # fmt: skip
        item = ListItem(
            id=uuid.uuid4(), list=ListName.SECTEUR, code="loc_quai", cite_id=cite.id, label="Métiers du quai", created_by_id=referent.id
        )  # fmt: skip
        keep(qpv, report, item)
        keep(
            CiteQpv(cite_id=cite.id, qpv_id=qpv.id),
            CiteCommune(cite_id=cite.id, insee_code=code, name="Commune"),
            ProgrammeYear(cite_id=cite.id, year=year, envelope_euros=1000),
        )
        return {
            Named.REFERENT: {"user_id": referent.id},
            Named.ABSENCE: self.absence_of(referent),
            Named.MEMBER: {"membership_id": referent.membership.id},
            Named.BATCH: {"batch_id": batch},
            Named.REPORT: {"report_id": report.id},
            Named.ORGANISATION: {"organisation_id": organisation.id},
            Named.QPV: {"qpv_id": qpv.id},
            Named.COMMUNE: {"code": code},
            Named.YEAR: {"year": year},
            Named.ITEM: {"item_id": item.id},
            Named.RULESET: {"ruleset_id": self.ruleset(cite, referent).id},
            Named.KEPT_PLAN: {
                "template_id": makers.kept_plan(
                    self.world, cite, "Retrouver une mobilité", KeptLine("Permis")
                ).id
            },
        }

    def ruleset(self, cite: Cite, by: Member) -> ExitRuleset:
        """A Cité's own way of reading exits, with one rule."""
        ruleset = ExitRuleset(
            id=uuid.uuid4(), cite_id=cite.id, code="loc_iae", label="Notre lecture", created_by_id=by.id, created_at=now()
        )  # fmt: skip
        self.world.keep(ruleset)
        self.world.keep(
            ExitRuleRow(ruleset_id=ruleset.id, exit_type=ExitReason.CDI, category=ExitCategory.DURABLE)
        )
        return ruleset

    def link(self, purpose: LinkPurpose, *, used: bool) -> str:
        """The token of a link sent by e-mail."""
        somebody = self.world.member(Role.PARTNER, self.there)
        link = AccountLink(
            id=uuid.uuid4(), user_id=somebody.id, purpose=purpose, expires_at=now() + timedelta(hours=1),
            used_at=now() if used else None,
        )  # fmt: skip
        self.world.keep(link)
        return path_of(link.id, purpose, self.app.config["SECRET_KEY"]).rpartition("/")[2]

    def values(self, actor: Actor, named: Named, relation: Relation) -> Values:
        """What to put in the address and in the form."""
        if relation is Relation.NONE:
            return {}
        if relation is Relation.NOWHERE:
            names = ("person_id", "interview_id", "step_id", "assignment_id", "user_id", "batch_id", "report_id",
                     "organisation_id", "membership_id", "qpv_id", "session_id", "item_id", "job_id", "parcours_id", "ruleset_id",
                     "goal_id", "etape_id", "paper_id", "template_id", "frein_id", "link_id", "absence_id")  # fmt: skip
            return {
                **{name: uuid.uuid4() for name in names},
                "year": 2099,
                "code": "00000",
                "token": "none",
                "number": 99_999,
            }
        if named not in CASES:
            return self.things[actor, named, relation]
        if relation is not Relation.MIXED:
            return self.identifiers[self.cases[actor, relation].id]
        nearest = Relation.SPOTTED_WAITING if actor.role is Role.SPOTTER else Relation.OWNER
        others = self.identifiers[self.cases[actor, Relation.COLLEAGUE].id]
        return {**others, "person_id": self.cases[actor, nearest].id}
