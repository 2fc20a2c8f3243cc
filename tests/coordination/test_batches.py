"""The number of a batch: of one page, one coordinator, one Cité; and letters that only the attributions just made call for."""

import uuid
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from cityjobs.core.outbox import Outgoing
from cityjobs.parcours.models import Assignment
from tests.conftest import Databases
from tests.manners import PageClient
from tests.world import Member, World


def send(client: PageClient, page: Any, *cases: Any, to: Member) -> uuid.UUID:
    """Give persons to somebody with the form of a page already open; the number of the batch."""
    form = page.form("/attribuer")
    ticked = [str(case.parcours.id) for case in cases]
    answer = client.submit(form, picked=ticked, target=str(to.id))
    return uuid.UUID(answer.location.rsplit("/", 1)[1])


@pytest.fixture
def team(world: World) -> dict[str, Member]:
    here, there = world.cite("Roubaix"), world.cite("Calais")
    return {
        "coordinator": world.member("coordinator", here),
        "colleague": world.member("coordinator", here),
        "elsewhere": world.member("coordinator", there),
        "samira": world.member("referent", here, first_name="Samira"),
        "karim": world.member("referent", here, first_name="Karim"),
    }


def letters(world: World) -> list[str]:
    world.session.rollback()
    return list(world.session.scalars(sa.select(Outgoing.dedupe_key).where(Outgoing.kind == "assignment")))


def holders(world: World, *cases: Any) -> list[uuid.UUID | None]:
    world.session.rollback()
    current = sa.select(Assignment.referent_id).where(Assignment.ended_at.is_(None))
    return [world.session.scalar(current.where(Assignment.parcours_id == case.parcours.id)) for case in cases]


def test_going_back_and_ticking_others_is_another_batch_and_another_letter(
    world: World, client_of: Any, team: dict[str, Member]
) -> None:
    first, second = world.case(team["samira"].cite), world.case(team["samira"].cite)
    client = client_of(team["coordinator"])
    page = client.get("/coordination")
    one = send(client, page, first, to=team["samira"])
    two = send(client, page, second, to=team["samira"])
    again = send(client, page, second, to=team["samira"])
    assert one != two and again == two
    assert len(letters(world)) == 2
    assert holders(world, first, second) == [team["samira"].id] * 2


def test_going_back_and_choosing_somebody_else_says_that_it_was_taken(
    world: World, client_of: Any, team: dict[str, Member]
) -> None:
    case = world.case(team["samira"].cite)
    client = client_of(team["coordinator"])
    page = client.get("/coordination")
    send(client, page, case, to=team["samira"])
    other = send(client, page, case, to=team["karim"])
    assert "entre-temps" in client.get(f"/coordination/attributions/{other}").main()
    assert holders(world, case) == [team["samira"].id]


@pytest.mark.parametrize("forged", ["", "x", "a colleague's", "a number"])
def test_a_key_that_is_not_of_this_page_continues_no_batch(
    world: World, client_of: Any, team: dict[str, Member], forged: str
) -> None:
    case, other = world.case(team["samira"].cite), world.case(team["samira"].cite)
    colleague, client = client_of(team["colleague"]), client_of(team["coordinator"])
    page = colleague.get("/coordination")
    theirs = send(colleague, page, case, to=team["samira"])
    key = {"a colleague's": page.form("/attribuer").values["batch"], "a number": str(theirs)}.get(
        forged, forged
    )
    form = client.get("/coordination").form("/attribuer")
    answer = client.submit(form, batch=key, picked=[str(other.parcours.id)], target=str(team["samira"].id))
    assert not answer.location.endswith(str(theirs))
    world.session.rollback()
    batches = world.session.scalars(sa.select(Assignment.batch_id)).all()
    assert len(set(batches)) == 2


ASSIGN = (
    "insert into assignment (id, cite_id, person_id, parcours_id, kind, referent_id, assigned_by_id, started_at, batch_id)"
    " values (gen_random_uuid(), %s, %s, %s, 'referent', %s, %s, now(), %s)"
)
QUEUE = (
    "insert into outgoing (id, kind, dedupe_key, recipient, facts, state, attempts, created_at, not_before)"
    " values (gen_random_uuid(), %s, %s, %s, %s, %s, 0, now(), now())"
)


def asking(databases: Databases, member: Member) -> Any:
    """A connection of the web on behalf of somebody."""
    return databases.connected_as(
        "cityjobs_web", user_id=member.id, role=member.role.value, cite_id=member.cite.id
    )


@pytest.mark.parametrize("who", ["colleague", "elsewhere"])
def test_nobody_adds_to_the_batch_of_somebody_else(
    world: World, databases: Databases, team: dict[str, Member], who: str
) -> None:
    batch, me = uuid.uuid4(), team[who]
    taken, free = world.case(team["samira"].cite), world.case(me.cite)
    world.assign(
        taken.person, taken.parcours, team["samira"], batch_id=batch, assigned_by_id=team["coordinator"].id
    )
    row = (me.cite.id, free.id, free.parcours.id, team["karim"].id, me.id)
    with asking(databases, me) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(ASSIGN, (*row, batch))
    with asking(databases, me) as connection:
        assert connection.execute(ASSIGN, (*row, uuid.uuid4())).rowcount == 1


def test_a_page_queues_only_the_letter_of_what_it_has_just_done(
    world: World, databases: Databases, team: dict[str, Member]
) -> None:
    me, samira, batch = team["coordinator"], team["samira"], uuid.uuid4()
    case = world.case(samira.cite)
    world.assign(case.person, case.parcours, samira, batch_id=batch, assigned_by_id=me.id)
    facts = f'{{"batch": "{batch}", "referent": "{samira.id}"}}'
    about, to = f"{batch}:{samira.id}", samira.user.email
    with asking(databases, me) as connection:
        assert connection.execute(QUEUE, ("assignment", about, to, facts, "waiting")).rowcount == 1
    refused = [
        (me, ("assignment", about, "autre@ailleurs.example", facts, "waiting")),
        (me, ("assignment", "autre", to, facts, "waiting")),
        (me, ("assignment", about, to, facts, "sent")),
        (me, ("assignment", about, to, facts.replace(str(batch), str(uuid.uuid4())), "waiting")),
        (me, ("assignment_undone", about, to, facts, "waiting")),
        (me, ("morning", about, to, facts, "waiting")),
        (me, ("report", about, to, facts, "waiting")),
        (me, ("invitation", about, to, facts, "waiting")),
        (me, ("membership", about, to, facts, "waiting")),
        (me, ("unheard-of", about, to, facts, "waiting")),
        (team["colleague"], ("assignment", about, to, facts, "waiting")),
        (team["elsewhere"], ("assignment", about, to, facts, "waiting")),
        (samira, ("assignment", about, to, facts, "waiting")),
    ]
    for member, line in refused:
        with asking(databases, member) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(QUEUE, line)
