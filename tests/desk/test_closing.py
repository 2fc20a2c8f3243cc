"""Closing well: what the exit counts as is shown before, what is open is closed with one decision each, nothing half done."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from cityjobs.core.clock import today
from cityjobs.followups.models import NextStep
from cityjobs.parcours.models import Exit, Parcours, Snapshot, Suspension
from cityjobs.parcours.rules.exits import ExitCategory, ExitFacts, ExitRule, category_of, exit_refusal
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.territory.models import Cite
from tests.conftest import Databases
from tests.manners import PageClient
from tests.world import Case, World

ClientOf = Callable[[Any], PageClient]


@pytest.fixture
def roubaix(world: World) -> Cite:
    return world.cite("Roubaix")


def url(case: Case) -> str:
    return f"/personnes/{case.id}/parcours/close"


def told(**more: Any) -> dict[str, Any]:
    return {"reason": "abandon", "on": today().isoformat(), "version": "1", "geste": "clore", **more}


def one(world: World, kind: Any, case: Case) -> Any:
    world.session.rollback()
    world.session.expire_all()
    return world.session.scalars(sa.select(kind).where(kind.person_id == case.id)).one_or_none()


def read_by(world: World, cite: Cite, code: str) -> None:
    """Make a national ruleset the one in force."""
    cite.exit_ruleset_id = world.session.scalar(
        sa.text("select id from exit_ruleset where code = :code and cite_id is null"), {"code": code}
    )
    world.keep(cite)


PROOF = {"evidence": "contrat", "evidence_seen_on": today().isoformat()}


def test_what_the_exit_counts_as_is_shown_before_anything_is_written(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    case = world.case(roubaix)
    client = client_of(world.member("coordinator", roubaix))
    page = client.get(url(case))
    assert (
        "Choisissez comment le parcours se termine" in page.main()
        and "Rien n’est resté ouvert" in page.main()
    )
    shown = client.post(url(case), told(reason="cdi", geste="lire"), status=200)
    assert "Emploi durable" in shown.main() and "Demandé pour compter" in shown.main()
    assert "evidence" in shown.form(url(case)).values and "à revoir" not in shown.main()
    assert "Sortie neutre" in client.post(url(case), told(reason="deces", geste="lire"), status=200).main()
    assert one(world, Parcours, case).status == Status.ACTIF and one(world, Exit, case) is None


def test_a_lasting_job_needs_its_evidence(world: World, roubaix: Cite, client_of: ClientOf) -> None:
    case = world.case(roubaix, status=Status.SUIVI_EMPLOI)
    me = world.member("coordinator", roubaix)
    client = client_of(me)
    for wrong, said in (
        ({}, "demande un justificatif"),
        ({**PROOF, "evidence_seen_on": ""}, "ou aucun des deux"),
        ({**PROOF, "evidence_seen_on": (today() + timedelta(days=1)).isoformat()}, "dans le futur"),
        ({**PROOF, "evidence": "un_mail"}, "n’existe pas dans la liste"),
    ):
        page = client.post(url(case), told(reason="cdi", **wrong), status=422)
        assert said in page.errors() and one(world, Exit, case) is None
        assert page.form(url(case)).values["reason"] == "cdi"
    client.post(url(case), told(reason="cdi", months="2", **PROOF))
    left = one(world, Exit, case)
    assert (left.exit_type, left.category, left.months, left.evidence) == ("cdi", "durable", 2, "contrat")
    assert (left.evidence_seen_on, left.recorded_by_id) == (today(), me.id)
    assert (one(world, Parcours, case).status, one(world, Parcours, case).end_reason) == (Status.SORTI, "cdi")


@pytest.mark.parametrize(
    ("code", "reason", "months", "category"),
    [
        ("iae", "cdi", "", "durable"),
        ("plie", "cdi", "7", "durable"),
        ("plie", "cdi", "5", "transition"),
        ("iae", "alternance", "", "positive"),
        ("plie", "alternance", "6", "durable"),
        ("plie", "service_civique", "", "autre"),
        ("iae", "erreur_doublon", "", "neutre"),
    ],
)
def test_the_ruleset_in_force_says_the_category(
    world: World, roubaix: Cite, client_of: ClientOf, code: str, reason: str, months: str, category: str
) -> None:
    read_by(world, roubaix, code)
    case = world.case(roubaix)
    client_of(world.member("coordinator", roubaix)).post(
        url(case), told(reason=reason, months=months, **PROOF)
    )
    assert one(world, Exit, case).category == category


@pytest.mark.parametrize(
    ("facts", "category", "refused"),
    [
        (ExitFacts("a"), ExitCategory.DURABLE, True),
        (ExitFacts("a", evidence="contrat"), ExitCategory.DURABLE, False),
        (ExitFacts("b", months=6), ExitCategory.DURABLE, True),
        (ExitFacts("b", months=5), ExitCategory.TRANSITION, False),
        (ExitFacts("b"), ExitCategory.TRANSITION, False),
    ],
)
def test_evidence_is_asked_for_what_it_changes(
    facts: ExitFacts, category: ExitCategory, refused: bool
) -> None:
    rules = {
        "a": ExitRule(ExitCategory.DURABLE, needs_evidence=True),
        "b": ExitRule(ExitCategory.DURABLE, 6, ExitCategory.TRANSITION, needs_evidence=True),
    }
    assert category_of(facts, rules) is category and (exit_refusal(facts, rules) is not None) == refused
    assert "n’est pas prévu" in str(exit_refusal(ExitFacts("c"), rules))


def test_each_thing_still_open_takes_one_decision(world: World, roubaix: Cite, client_of: ClientOf) -> None:
    me = world.member("referent", roubaix)
    case = world.case(roubaix, referent=me)
    done, dropped = (
        world.step(case, me, title="Appeler la crèche"),
        world.step(case, me, title="Refaire le CV"),
    )
    settled = world.step(case, me, title="Déjà faite", state="cancelled", settled_at=sa.func.now())
    elsewhere = world.step(world.case(roubaix, referent=me), me)
    client = client_of(me)
    page = client.get(url(case))
    assert (
        "Appeler la crèche" in page.main()
        and "Refaire le CV" in page.main()
        and "Déjà faite" not in page.main()
    )
    first = {f"step_{done.id.hex}": "done"}
    for wrong in (first, {**first, f"step_{dropped.id.hex}": "plus tard"}):
        page = client.post(url(case), told(**wrong), status=422)
        assert "Refaire le CV" in page.errors() and "Appeler la crèche" not in page.errors()
    assert one(world, Parcours, case).status == Status.ACTIF
    assert world.session.get_one(NextStep, done.id).state == "todo"
    client.post(
        url(case),
        told(**first, **{f"step_{dropped.id.hex}": "cancelled"}, **{f"step_{elsewhere.id.hex}": "done"}),
    )
    world.session.rollback()
    world.session.expire_all()
    states = {
        row.title: (row.state, row.result)
        for row in world.session.scalars(sa.select(NextStep).where(NextStep.person_id == case.id))
    }
    assert states == {
        "Appeler la crèche": ("done", None), "Refaire le CV": ("cancelled", "Parcours clos"), "Déjà faite": ("cancelled", None),
    }  # fmt: skip
    assert world.session.get_one(NextStep, elsewhere.id).state == "todo" and settled.title


def test_the_situation_at_the_exit_may_be_said_at_once_or_left_for_later(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    client = client_of(world.member("coordinator", roubaix))
    later, at_once = world.case(roubaix), world.case(roubaix)
    client.post(url(later), told())
    assert one(world, Snapshot, later) is None
    page = client.post(url(at_once), told(situation="emploi_cdi"), status=422)
    assert "pour plus tard" in page.errors() and one(world, Snapshot, at_once) is None
    client.post(url(at_once), told(situation="emploi_cdi", inscription_ft="radie_sorti"))
    kept = one(world, Snapshot, at_once)
    assert (kept.moment, kept.situation, kept.inscription_ft) == ("exit", "emploi_cdi", "radie_sorti")


def test_a_suspension_ends_with_the_parcours(world: World, roubaix: Cite, client_of: ClientOf) -> None:
    case = world.case(roubaix, status=Status.SUSPENDU)
    client = client_of(world.member("coordinator", roubaix))
    assert "La suspension se termine le même jour" in client.get(url(case)).main()
    client.post(url(case), told())
    assert one(world, Suspension, case).ended_on == today()


def test_the_second_of_two_is_told_what_the_first_did(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    case = world.case(roubaix)
    first, second = (client_of(world.member("coordinator", roubaix)) for _ in range(2))
    form = second.get(url(case)).form(url(case))
    first.post(f"/personnes/{case.id}/parcours", {"event": "suspend", "on": today().isoformat(), "version": "1",
               "reason": "autre", "until": today().isoformat()})  # fmt: skip
    page = second.post(url(case), {**form.values, **told()}, status=409)
    assert "« suspendu »" in page.main() and one(world, Parcours, case).status == Status.SUSPENDU
    assert second.post(url(world.case(roubaix, status=Status.RENCONTRE)), told(), status=409)


def test_who_may_close(world: World, roubaix: Cite, client_of: ClientOf, client: PageClient) -> None:
    mine, spotter = world.member("referent", roubaix), world.member("spotter", roubaix)
    case = world.case(roubaix, referent=mine, spotted_by=spotter)
    for other in (world.member("referent", roubaix), world.member("coordinator", world.cite("Calais"))):
        client_of(other).get(url(case), status=404)
        client_of(other).post(url(case), told(), status=404)
    for role in ("chef_de_file", "funder", "partner", "administrator"):
        client_of(world.member(role, roubaix)).post(url(case), told(), status=403)
    client_of(spotter).get(url(case), status=403)
    assert client.get(url(case), status=303).location.startswith("/connexion")
    client_of(mine).post(url(case), told())
    assert one(world, Parcours, case).status == Status.SORTI


def test_a_page_of_the_version_before_is_led_to_the_new_one(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    case = world.case(roubaix)
    old = {"event": "close", "on": today().isoformat(), "reason": "cdi", "version": "1"}
    client = client_of(world.member("coordinator", roubaix))
    assert client.post(f"/personnes/{case.id}/parcours", old).location == url(case)
    assert one(world, Parcours, case).status == Status.ACTIF


@pytest.mark.parametrize(
    ("exit_type", "category", "evidence", "said"),
    [
        ("cdi", "transition", "contrat", "as its ruleset says"),
        ("cdi", "durable", None, "needs an evidence"),
        ("pigeon", "autre", None, "as its ruleset says"),
    ],
)
def test_the_database_refuses_an_exit_that_its_ruleset_does_not_give(
    world: World,
    roubaix: Cite,
    databases: Databases,
    exit_type: str,
    category: str,
    evidence: str | None,
    said: str,
) -> None:
    case, me = world.case(roubaix), world.member("coordinator", roubaix)
    with (
        databases.connected_as("cityjobs_web", user_id=me.id, role="coordinator", cite_id=roubaix.id) as web,
        pytest.raises(psycopg.errors.CheckViolation, match=said),
    ):
        web.execute(
            "insert into parcours_exit (parcours_id, cite_id, person_id, exit_type, category, ruleset_id, evidence, evidence_seen_on,"
            " recorded_by_id, recorded_at) select %s, %s, %s, %s, %s, id, %s, %s, %s, now() from exit_ruleset where code = 'iae'",
            (
                case.parcours.id,
                roubaix.id,
                case.id,
                exit_type,
                category,
                evidence,
                today() if evidence else None,
                me.id,
            ),
        )


@pytest.mark.parametrize("steps", [1, 20, 200])
def test_the_page_asks_the_same_of_the_database_however_much_is_open(
    world: World, roubaix: Cite, client_of: ClientOf, count_queries: Callable[[], Any], steps: int
) -> None:
    me = world.member("referent", roubaix)
    case = world.case(roubaix, referent=me)
    for _ in range(steps):
        world.session.add(
            NextStep(cite_id=roubaix.id, person_id=case.id, parcours_id=case.parcours.id, created_by_id=me.id, due_on=today(), title="Appeler")
        )  # fmt: skip
    world.session.commit()
    client = client_of(me)
    client.get(url(case))
    with count_queries() as statements:
        client.get(url(case))
    assert len(statements) <= 9, statements
