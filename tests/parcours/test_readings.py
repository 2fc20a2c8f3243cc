"""« Lecture des sorties »: national readings are read only, a Cité adapts its own and chooses; former exits keep their category."""

import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from cityjobs.core.clock import now
from cityjobs.core.db import Actor, act_as
from cityjobs.parcours.models import Exit, ExitRuleRow, ExitRuleset
from cityjobs.parcours.queries.exits import find_reading_in_force
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.parcours.rules.reasons import ExitReason
from cityjobs.territory.models import Cite
from tests.conftest import Databases
from tests.manners import PageClient
from tests.world import World

ClientOf = Callable[[Any], PageClient]
PAGE = "/coordination/sorties"


@pytest.fixture
def roubaix(world: World) -> Cite:
    return world.cite("Roubaix")


def ruleset(world: World, code: str, cite: Cite | None = None) -> ExitRuleset:
    world.session.rollback()
    world.session.expire_all()
    wanted = sa.select(ExitRuleset).where(
        ExitRuleset.code == code, ExitRuleset.cite_id == cite.id if cite else ExitRuleset.cite_id.is_(None)
    )
    return world.session.scalars(wanted).one()


def in_force(app: Flask, world: World, cite: Cite) -> ExitRuleset:
    with app.app_context():
        act_as(Actor(world.member("coordinator", cite).id, "coordinator", cite.id))
        return find_reading_in_force(cite.id).ruleset


def adapted(world: World, client: PageClient, cite: Cite, code: str = "plie") -> ExitRuleset:
    client.post(f"{PAGE}/adapter", {"ruleset_id": str(ruleset(world, code).id)})
    return ruleset(world, f"loc_{code}", cite)


def test_both_national_readings_tell_every_exit(world: World) -> None:
    for code in ("iae", "plie"):
        rows = sa.select(ExitRuleRow.exit_type).where(ExitRuleRow.ruleset_id == ruleset(world, code).id)
        assert set(world.session.scalars(rows)) == set(ExitReason)


def test_a_cite_reads_as_the_iae_until_it_chooses(
    world: World, roubaix: Cite, client_of: ClientOf, app: Flask
) -> None:
    client = client_of(world.member("coordinator", roubaix))
    assert in_force(app, world, roubaix).code == "iae"
    page = client.get(PAGE)
    assert "en vigueur" in page.main() and "Lecture du PLIE" in page.main()
    client.post(f"{PAGE}/choisir", {"ruleset_id": str(ruleset(world, "plie").id)})
    assert in_force(app, world, roubaix).code == "plie"
    assert in_force(app, world, world.cite("Calais")).code == "iae"


def test_the_own_copy_is_changed_rule_by_rule_and_former_exits_stay(
    world: World, roubaix: Cite, client_of: ClientOf, app: Flask
) -> None:
    me = world.member("coordinator", roubaix)
    client = client_of(me)
    own = adapted(world, client, roubaix)
    client.post(f"{PAGE}/adapter", {"ruleset_id": str(ruleset(world, "plie").id)})
    client.post(f"{PAGE}/choisir", {"ruleset_id": str(own.id)})
    assert in_force(app, world, roubaix).id == own.id
    case = world.case(roubaix, status=Status.SORTI)
    world.keep(
        Exit(
            parcours_id=case.parcours.id, cite_id=roubaix.id, person_id=case.id, exit_type="service_civique", category="autre",
            ruleset_id=own.id, recorded_at=now(),
        )
    )  # fmt: skip
    edit = f"{PAGE}/{own.id}/service_civique"
    form = client.get(edit).form(edit)
    assert form.values["category"] == "autre"
    client.submit(form, category="positive", minimum_months="3", otherwise="autre", needs_evidence="y")
    rule = world.session.get_one(ExitRuleRow, (own.id, "service_civique"), populate_existing=True)
    world.session.refresh(rule)
    assert (rule.category, rule.minimum_months, rule.otherwise, rule.needs_evidence) == (
        "positive",
        3,
        "autre",
        True,
    )
    assert ruleset(world, "loc_plie", roubaix).version == 2
    assert world.session.get_one(Exit, case.parcours.id).category == "autre"
    national = world.session.get_one(ExitRuleRow, (ruleset(world, "plie").id, "service_civique"))
    assert national.category == "autre"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"minimum_months": "6", "otherwise": ""}, "qui dure moins longtemps"),
        ({"minimum_months": "", "otherwise": "autre"}, "à partir de combien de mois"),
        ({"minimum_months": "25", "otherwise": "autre"}, "va de 1 à 24"),
        ({"minimum_months": "six", "otherwise": "autre"}, "en chiffres"),
        ({"category": "parfaite"}, "n’existe pas dans la liste"),
    ],
)
def test_a_rule_is_refused_at_its_field(
    world: World, roubaix: Cite, client_of: ClientOf, wrong: dict[str, str], said: str
) -> None:
    client = client_of(world.member("coordinator", roubaix))
    own = adapted(world, client, roubaix)
    told = {"category": "durable", "minimum_months": "6", "otherwise": "transition", "version": "1", **wrong}
    page = client.post(f"{PAGE}/{own.id}/cdi", told, status=422)
    assert said in page.errors() and ruleset(world, "loc_plie", roubaix).version == 1


def test_of_two_who_edit_the_second_is_told(world: World, roubaix: Cite, client_of: ClientOf) -> None:
    first, second = (client_of(world.member("coordinator", roubaix)) for _ in range(2))
    own = adapted(world, first, roubaix)
    edit = f"{PAGE}/{own.id}/cdi"
    late = second.get(edit).form(edit)
    first.submit(first.get(edit).form(edit), category="positive")
    page = second.submit(late, category="neutre", status=409)
    assert "Sortie positive" in page.main() and page.form(edit).values["category"] == "neutre"
    second.submit(page.form(edit))
    assert world.session.get_one(ExitRuleRow, (own.id, "cdi")).category == "neutre"


def test_who_reads_and_writes(world: World, roubaix: Cite, client_of: ClientOf, client: PageClient) -> None:
    me, calais = world.member("coordinator", roubaix), world.cite("Calais")
    own = adapted(world, client_of(me), roubaix)
    stranger = client_of(world.member("coordinator", calais))
    stranger.get(f"{PAGE}/{own.id}/cdi", status=404)
    stranger.post(f"{PAGE}/choisir", {"ruleset_id": str(own.id)})
    world.session.refresh(calais)
    assert calais.exit_ruleset_id is None and "adaptée" not in stranger.get(PAGE).main()
    client_of(me).get(f"{PAGE}/{ruleset(world, 'iae').id}/cdi", status=404)
    client_of(me).post(f"{PAGE}/choisir", {"ruleset_id": str(uuid.uuid4())})
    client_of(me).post(f"{PAGE}/choisir", {"ruleset_id": "pigeon"})
    for role in ("referent", "administrator", "chef_de_file", "funder", "partner", "spotter"):
        client_of(world.member(role, roubaix)).get(PAGE, status=403)
    assert client.get(PAGE, status=303).location.startswith("/connexion")


def test_the_database_keeps_national_rules_and_those_of_others(
    world: World, roubaix: Cite, client_of: ClientOf, databases: Databases
) -> None:
    me, calais = world.member("coordinator", roubaix), world.cite("Calais")
    theirs = adapted(world, client_of(world.member("coordinator", calais)), calais)
    with databases.connected_as("cityjobs_web", user_id=me.id, role="coordinator", cite_id=roubaix.id) as web:
        assert web.execute("update exit_rule set category = 'neutre'").rowcount == 0
        assert web.execute("select count(*) from exit_ruleset").fetchone() == (2,)
        assert web.execute("select app.choose_exit_ruleset(%s)", (theirs.id,)).fetchone() == (None,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute("update cite set exit_ruleset_id = %s", (theirs.id,))
