"""Plans for tests: freins, goals, étapes, agreements, papers and kept plans, really committed."""

import hashlib
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cityjobs.core.clock import today
from cityjobs.diagnosis.models import Frein
from cityjobs.diagnosis.rules import PRESENT_STATUSES, SETTLED_STATUSES, FreinStatus
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
from cityjobs.plans.rules import (
    AgreementWay,
    AttachmentSubject,
    EtapeStatus,
    GoalStatus,
    KeptLine,
    media_type_of,
)
from cityjobs.territory.models import Cite
from tests.world import Case, Member, World

PDF = b"%PDF-1.7\n" + b"contrat " * 40
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels " * 40
JPEG = b"\xff\xd8\xff\xe0" + b"photo " * 40


def ties(case: Case) -> dict[str, Any]:
    """What every row of a plan says of whom it is about."""
    return {"cite_id": case.person.cite_id, "person_id": case.person.id, "parcours_id": case.parcours.id}


def frein(
    world: World, case: Case, code: str = "mobilite", status: FreinStatus = FreinStatus.IDENTIFIE
) -> Frein:
    """A frein as it stands."""
    known = status in PRESENT_STATUSES | SETTLED_STATUSES
    made = Frein(
        id=uuid.uuid4(),
        **ties(case),
        code=code,
        status=status,
        identified_on=today() - timedelta(days=20) if known else None,
        settled_on=today() if status in SETTLED_STATUSES else None,
    )
    world.keep(made)
    return made


def goal(world: World, case: Case, about: Frein | None = None, **facts: Any) -> Goal:
    """A goal, open unless said otherwise."""
    status = facts.get("status", GoalStatus.OPEN)
    made = Goal(
        id=uuid.uuid4(),
        **ties(case),
        frein_id=about.id if about else None,
        **{
            "label": f"Objectif {world.next()}",
            "opened_on": today() - timedelta(days=10),
            "settled_on": None if status == GoalStatus.OPEN else today(),
            **facts,
        },
    )
    world.keep(made)
    return made


def etape(world: World, case: Case, *goals: Goal, **facts: Any) -> Etape:
    """An étape towards some goals, planned unless said otherwise."""
    status = facts.get("status", EtapeStatus.PREVUE)
    over = status in (EtapeStatus.REALISEE, EtapeStatus.ABANDONNEE, EtapeStatus.ANNULEE)
    begun = status in (EtapeStatus.EN_COURS, EtapeStatus.EN_ATTENTE)
    made = Etape(
        id=uuid.uuid4(),
        **ties(case),
        **{
            "type": "permis_code",
            "label": f"Code de la route {world.next()}",
            "started_on": today() - timedelta(days=5) if begun else None,
            "ended_on": today() if over else None,
            "result": "atteint" if status is EtapeStatus.REALISEE else None,
            "abandon_reason": "absences" if status is EtapeStatus.ABANDONNEE else None,
            **facts,
        },
    )
    world.keep(made)
    world.keep(*(EtapeGoal(**ties(case), etape_id=made.id, goal_id=each.id) for each in goals))
    return made


def agreement(world: World, case: Case, author: Member, *goals: Goal, **facts: Any) -> Agreement:
    """An agreement, in force unless said otherwise."""
    agreed_on: date = facts.pop("agreed_on", today() - timedelta(days=30))
    made = Agreement(
        id=uuid.uuid4(),
        **ties(case),
        agreed_on=agreed_on,
        created_by_id=author.id,
        **{"number": 1, "review_on": agreed_on + timedelta(days=91), "way": AgreementWay.SIGNED, **facts},
    )
    world.keep(made)
    world.keep(
        *(
            AgreementGoal(**ties(case), agreement_id=made.id, goal_id=each.id, label=each.label)
            for each in goals
        )
    )
    return made


def paper(
    world: World,
    case: Case,
    about: Agreement,
    author: Member,
    *,
    name: str = "contrat.pdf",
    content: bytes = PDF,
) -> Attachment:
    """A paper of an agreement."""
    made = Attachment(
        id=uuid.uuid4(),
        **ties(case),
        subject=AttachmentSubject.AGREEMENT,
        subject_id=about.id,
        name=name,
        media_type=media_type_of(content),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        added_by_id=author.id,
        added_at=datetime.now(UTC),
    )
    world.keep(made)
    return made


def kept_plan(world: World, cite: Cite, name: str, *lines: KeptLine, **facts: Any) -> PlanTemplate:
    """A plan that a Cité keeps."""
    made = PlanTemplate(id=uuid.uuid4(), cite_id=cite.id, name=name, **facts)
    world.keep(made)
    world.keep(
        *(
            PlanTemplateLine(template_id=made.id, rank=rank, cite_id=cite.id, **vars(line))
            for rank, line in enumerate(lines, 1)
        )
    )
    return made
