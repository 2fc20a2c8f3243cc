"""An organisation that several Cités share: one of them alone changes what it is, and none unmasks it for the others."""

from typing import Any

import psycopg
import pytest

from cityjobs.territory.models import Organisation
from cityjobs.territory.rules import KIND_LABELS, SENSITIVE_KINDS
from tests.conftest import Databases
from tests.manners import PageClient
from tests.world import Member, World

URL = "/administration/organisations"


def joined(client: PageClient, organisation: Organisation) -> PageClient:
    """The same client, whose Cité has this organisation in its collective too."""
    form = client.get(f"{URL}/nouvelle").form(holding="name")
    client.submit(form, name=organisation.name, kind=organisation.kind)
    return client


def test_a_sensitive_organisation_is_not_unmasked_for_another_cite(world: World, client_of: Any) -> None:
    here, there = world.cite("Roubaix"), world.cite("Calais")
    shared = world.organisation(here, name="Le Relais", is_sensitive=True, kind="CSAPA")
    joined(client_of(world.member("coordinator", there)), shared)
    client = client_of(world.member("coordinator", here))
    form = client.get(f"{URL}/{shared.id}").form(holding="name")
    page = client.submit(form, sensitivity="no", status=422)
    assert "autre Cité" in page.errors()
    world.session.refresh(shared)
    assert shared.is_sensitive
    client.submit(form, phone="03 20 00 00 00")


def test_what_is_masked_though_its_type_is_not_sensitive_is_unmasked_by_its_keeper(
    world: World, client_of: Any
) -> None:
    here, there = world.cite("Roubaix"), world.cite("Calais")
    shared = world.organisation(here, name="Le Fil", is_sensitive=True, kind="MOBILITE")
    joined(client_of(world.member("coordinator", there)), shared)
    client = client_of(world.member("coordinator", here))
    client.submit(client.get(f"{URL}/{shared.id}").form(holding="name"), sensitivity="no")
    world.session.refresh(shared)
    assert not shared.is_sensitive


def test_the_first_cite_changes_it_and_the_others_read_why_they_cannot(world: World, client_of: Any) -> None:
    here, there = world.cite("Roubaix"), world.cite("Calais")
    shared = world.organisation(here, name="Le Fil", kind="MOBILITE", phone="+33320111111")
    theirs = joined(client_of(world.member("coordinator", there)), shared)
    ours = client_of(world.member("coordinator", here))
    form = ours.get(f"{URL}/{shared.id}").form()
    page = theirs.get(f"{URL}/{shared.id}")
    assert "La Cité « Roubaix » a inscrit cette organisation la première" in page.main()
    assert "03 20 11 11 11" in page.main() and not page.all("input", name="phone")
    taken = {
        "name": "Volé",
        "kind": "FT",
        "phone": "03 20 00 00 00",
        "email": "moi@vol.example",
        "sensitivity": "yes",
    }
    token = theirs.get(f"{URL}/nouvelle").form(holding="name").values["csrf_token"]
    theirs.post(f"{URL}/{shared.id}", {**form.values, **taken, "csrf_token": token}, status=403)
    world.session.refresh(shared)
    kept = (shared.name, shared.kind, shared.phone, shared.email, shared.is_sensitive)
    assert kept == ("Le Fil", "MOBILITE", "+33320111111", None, False)
    ours.submit(form, name="Le Fil bleu", kind="FT", phone="03 20 00 00 00")
    world.session.refresh(shared)
    assert (shared.name, shared.kind, shared.phone) == ("Le Fil bleu", "FT", "+33320000000")


def test_whoever_has_it_alone_renames_it(world: World, client_of: Any, databases: Databases) -> None:
    here, there = world.cite("Roubaix"), world.cite("Calais")
    shared = world.organisation(here, name="Le Fil", kind="MOBILITE")
    theirs = joined(client_of(world.member("coordinator", there)), shared)
    databases.superuser.execute("delete from collective_member where cite_id = %s", (here.id,))
    theirs.submit(theirs.get(f"{URL}/{shared.id}").form(), name="Le Fil vert")
    world.session.refresh(shared)
    assert shared.name == "Le Fil vert"


def asking(databases: Databases, member: Member) -> Any:
    """A connection of the web on behalf of somebody."""
    return databases.connected_as(
        "cityjobs_web", user_id=member.id, role=member.role.value, cite_id=member.cite.id
    )


def test_the_database_refuses_what_the_page_does_not_offer(
    world: World, client_of: Any, databases: Databases
) -> None:
    here, there = world.cite("Roubaix"), world.cite("Calais")
    shared = world.organisation(here, name="Le Relais", is_sensitive=True, kind="CSAPA")
    alone = world.organisation(here, name="Chez nous")
    theirs, ours = world.member("coordinator", there), world.member("coordinator", here)
    joined(client_of(theirs), shared)
    change = "update organisation set {} where id = %s"
    rename = change.format("name = 'Volé'")
    for member, statement in (
        (theirs, rename),
        (theirs, change.format("phone = '+33899000000'")),
        (theirs, change.format("email = 'moi@vol.example'")),
        (theirs, change.format("is_sensitive = false, kind = 'FT'")),
        (ours, change.format("is_sensitive = false")),
        (ours, change.format("is_sensitive = false, kind = 'FT'")),
    ):
        with asking(databases, member) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement, (shared.id,))
    databases.superuser.execute(change.format("is_sensitive = false, kind = 'FT'"), (shared.id,))
    with asking(databases, theirs) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(change.format("is_sensitive = true"), (shared.id,))
    with asking(databases, ours) as connection:
        assert connection.execute(change.format("is_sensitive = true"), (shared.id,)).rowcount == 1
    with asking(databases, theirs) as connection:
        assert connection.execute(rename, (alone.id,)).rowcount == 0
    with asking(databases, ours) as connection:
        assert connection.execute(rename, (alone.id,)).rowcount == 1


def test_the_database_knows_every_sensitive_type(world: World, client_of: Any, databases: Databases) -> None:
    here, there = world.cite("Roubaix"), world.cite("Calais")
    shared = world.organisation(here, name="Le Relais", is_sensitive=True, kind="CSAPA")
    ours = world.member("coordinator", here)
    joined(client_of(world.member("coordinator", there)), shared)
    for kind in KIND_LABELS:
        databases.superuser.execute("update organisation set kind = %s where id = %s", (kind, shared.id))
        unmask = "update organisation set is_sensitive = false where id = %s"
        with asking(databases, ours) as connection:
            if kind in SENSITIVE_KINDS:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(unmask, (shared.id,))
            else:
                assert connection.execute(unmask, (shared.id,)).rowcount == 1


WRITES = (
    "update cite set name = 'Volée' where id = %s",
    "update programme_year set envelope_euros = 1 where cite_id = %s",
    "delete from programme_year where cite_id = %s",
    "delete from cite_commune where cite_id = %s",
    "delete from cite_qpv where cite_id = %s",
    "delete from collective_member where cite_id = %s",
)
ADDS = (
    "insert into programme_year values (%s, 2099, 1)",
    "insert into cite_commune values (%s, '59512', 'Roubaix')",
    "insert into cite_qpv select %s, id from qpv where code = 'QN05903M'",
    "insert into collective_member select %s, id from organisation where name = 'Ailleurs'",
)


def furnished(world: World, databases: Databases) -> tuple[Member, Member]:
    """The administrators of two Cités that have something in each table."""
    databases.superuser.execute(
        "insert into qpv (id, code, name, generation, valid_from) values"
        " (gen_random_uuid(), 'QN05902M', 'Hommelet', 2024, '2024-01-01'), (gen_random_uuid(), 'QN05903M', 'Pile', 2024, '2024-01-01')"
    )
    admins = []
    for name in ("Roubaix", "Calais"):
        cite = world.cite(name)
        admins.append(world.member("administrator", cite))
        databases.superuser.execute(
            "insert into programme_year (cite_id, year, envelope_euros) values (%s, 2025, 1)", (cite.id,)
        )
        databases.superuser.execute("insert into cite_commune values (%s, '62193', 'Calais')", (cite.id,))
        databases.superuser.execute(
            "insert into cite_qpv select %s, id from qpv where code = 'QN05902M'", (cite.id,)
        )
    world.keep(Organisation(name="Ailleurs", family="association", kind="ASSO_PROXIMITE"))
    return admins[0], admins[1]


def test_a_cite_is_written_by_its_own_people(world: World, databases: Databases) -> None:
    here, there = furnished(world, databases)
    for statement in WRITES:
        with asking(databases, here) as connection:
            assert connection.execute(statement, (there.cite.id,)).rowcount == 0, statement
            assert connection.execute(statement, (here.cite.id,)).rowcount >= 1, statement
    for statement in ADDS:
        with asking(databases, here) as connection:
            assert connection.execute(statement, (here.cite.id,)).rowcount == 1, statement
        with asking(databases, here) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement, (there.cite.id,))
