"""The page of the diagnosis: filled as one goes, finished, begun again; what overlaps, what is refused, who may."""

import json
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from cityjobs.core.clock import today
from cityjobs.core.permissions import Role
from cityjobs.diagnosis.models import Diagnosis, Frein, FreinReading
from cityjobs.diagnosis.rules import FreinStatus
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.vocabulary.models import ListItem
from cityjobs.vocabulary.rules import ListName
from tests.conftest import Databases
from tests.manners import Page, PageClient
from tests.world import Case, Member, World

SignIn = Callable[[Any], PageClient]
CASEWORK = (Role.REFERENT, Role.COORDINATOR)


@pytest.fixture
def referent(world: World) -> Member:
    return world.member(Role.REFERENT, world.cite("Roubaix"))


@pytest.fixture
def case(world: World, referent: Member) -> Case:
    return world.case(referent.cite, referent=referent, status=Status.DIAGNOSTIC)


@pytest.fixture
def page_of(referent: Member, client_of: SignIn) -> PageClient:
    return client_of(referent)


def rows(databases: Databases, query: str, *given: Any) -> list[Any]:
    return databases.superuser.execute(query, given or None).fetchall()


def url(case: Case, more: str = "") -> str:
    return f"/personnes/{case.id}/diagnostic{more}"


def begun(page_of: PageClient, case: Case) -> Page:
    """The page to fill, after a version was begun."""
    page_of.submit(page_of.get(url(case)).form("/commencer"))
    return page_of.get(url(case))


def fill(
    page_of: PageClient, case: Case, *, status: int = 303, geste: str = "enregistrer", **said: Any
) -> Page:
    form = page_of.get(url(case)).form(holding="strengths")
    return page_of.submit(form, status=status, geste=geste, **said)


def a_frein(world: World, case: Case, by: Member, code: str = "mobilite", **facts: Any) -> Frein:
    frein = Frein(
        id=uuid.uuid4(), cite_id=case.person.cite_id, person_id=case.id, parcours_id=case.parcours.id, code=code,
        recorded_by_id=by.id, **{"status": FreinStatus.IDENTIFIE, "identified_on": today() - timedelta(9), **facts},
    )  # fmt: skip
    world.keep(frein)
    return frein


def a_version(
    world: World,
    case: Case,
    by: Member,
    number: int,
    finished_on: date | None,
    **freins: tuple[str, int | None],
) -> Diagnosis:
    """A version, and how freins stood in it."""
    ties = {"cite_id": case.person.cite_id, "person_id": case.id}
    one = Diagnosis(
        id=uuid.uuid4(), **ties, parcours_id=case.parcours.id, number=number, opened_on=finished_on or today(),
        finished_on=finished_on, author_id=by.id,
    )  # fmt: skip
    world.keep(one)
    world.keep(
        *(
            FreinReading(
                **ties,
                diagnosis_id=one.id,
                code=code,
                status=FreinStatus(status),
                severity=severity,
                is_priority=False,
            )
            for code, (status, severity) in freins.items()
        )
    )
    return one


# A closed parcours


def end(databases: Databases, case: Case) -> None:
    """The person does not enter, while a version is being filled."""
    databases.superuser.execute(
        "update parcours set status = 'non_entree', ended_on = %s, end_reason = 'autre' where id = %s",
        (today(), case.parcours.id),
    )


@pytest.mark.parametrize("geste", ["enregistrer", "terminer", "reprendre"])
def test_the_open_version_of_a_closed_parcours_is_read_and_no_more_written(
    geste: str, case: Case, page_of: PageClient, databases: Databases
) -> None:
    form = begun(page_of, case).form(holding="strengths")
    end(databases, case)
    typed = {"mobilite_status": "identifie", "strengths": "Ponctuelle, à l’écoute"}
    page = page_of.submit(form, status=422, geste=geste, **typed)
    assert "Ce parcours est clos" in page.errors()
    assert page.form(holding="strengths").values["strengths"].strip() == typed["strengths"]
    assert rows(databases, "select status from frein") == []
    assert rows(databases, "select strengths, finished_on from diagnosis") == [(None, None)]


def test_what_an_open_version_said_is_read_after_the_end(
    world: World, referent: Member, case: Case, page_of: PageClient, databases: Databases
) -> None:
    begun(page_of, case)
    fill(page_of, case, mobilite_status="identifie", strengths="Ponctuelle")
    end(databases, case)
    page = page_of.get(url(case))
    assert "ne se remplit plus" in page.main() and "Restée ouverte" in page.main()
    version = page_of.get(url(case, "/1"))
    assert (
        "resté ouvert" in version.text() and "Ponctuelle" in version.main() and "Identifié" in version.main()
    )


# Who


@pytest.mark.parametrize("role", list(Role))
def test_only_whoever_follows_reads_a_diagnosis(
    role: Role, world: World, referent: Member, case: Case, client_of: SignIn
) -> None:
    a_version(world, case, referent, 1, today(), mobilite=("identifie", 2))
    frein = a_frein(world, case, referent)
    expected = {Role.REFERENT: 404, Role.COORDINATOR: 200}.get(role, 403)
    client = client_of(world.member(role, referent.cite))
    for path in (
        url(case),
        url(case, "/1"),
        url(case, "/progres"),
        f"/personnes/{case.id}/freins/{frein.id}",
    ):
        client.get(path, status=expected)
    client.post(url(case, "/commencer"), {"moves": "y"}, status=303 if role is Role.COORDINATOR else expected)
    client.post(
        f"/personnes/{case.id}/freins/{frein.id}", {}, status=409 if role is Role.COORDINATOR else expected
    )


def test_another_cite_and_nobody_read_nothing(
    world: World, referent: Member, case: Case, client_of: SignIn, client: PageClient
) -> None:
    frein = a_frein(world, case, referent)
    elsewhere = client_of(world.member(Role.COORDINATOR, world.cite("Calais")))
    for path in (
        url(case),
        url(case, "/1"),
        url(case, "/progres"),
        f"/personnes/{case.id}/freins/{frein.id}",
    ):
        elsewhere.get(path, status=404)
        assert "/connexion" in client.get(path, status=303).location
    for path in (url(case), url(case, "/commencer"), url(case, "/brouillon")):
        elsewhere.post(path, {}, status=404)


def test_a_frein_of_another_person_is_not_there(
    world: World, referent: Member, case: Case, page_of: PageClient, databases: Databases
) -> None:
    other = world.case(referent.cite, referent=referent)
    theirs = a_frein(world, other, referent)
    page_of.get(f"/personnes/{case.id}/freins/{theirs.id}", status=404)
    page_of.post(
        f"/personnes/{case.id}/freins/{theirs.id}",
        {"status": "leve", "version": "1", "on": str(today())},
        status=404,
    )
    a_version(world, other, referent, 1, today())
    page_of.get(url(case, "/1"), status=404)
    assert rows(databases, "select status from frein") == [("identifie",)]


# Beginning


def test_beginning_moves_a_parcours_just_met_in_the_same_breath(
    world: World, referent: Member, page_of: PageClient, databases: Databases
) -> None:
    case = world.case(referent.cite, referent=referent, status=Status.RENCONTRE)
    form = page_of.get(url(case)).form("/commencer")
    assert form.values["moves"] == ["y"]
    page_of.submit(form)
    state = "select status, diagnosed_on from parcours where id = %s"
    assert rows(databases, state, case.parcours.id) == [("diagnostic", today())]
    assert rows(databases, "select number, finished_on, author_id from diagnosis") == [(1, None, referent.id)]
    assert rows(
        databases, "select event from parcours_transition where parcours_id = %s", case.parcours.id
    ) == [("start_assessment",)]


def test_beginning_without_the_move_leaves_the_parcours(
    world: World, referent: Member, page_of: PageClient, databases: Databases
) -> None:
    case = world.case(referent.cite, referent=referent, status=Status.RENCONTRE)
    page_of.submit(page_of.get(url(case)).form("/commencer"), moves=None)
    assert rows(databases, "select status from parcours where id = %s", case.parcours.id) == [("rencontre",)]


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(Status.REPERE, "notez d’abord la rencontre"), (Status.SORTI, "Ce parcours est clos")],
)
def test_a_diagnosis_is_begun_with_somebody_met_and_still_there(
    status: Status, sentence: str, world: World, referent: Member, page_of: PageClient, databases: Databases
) -> None:
    case = world.case(referent.cite, referent=referent, status=status)
    assert sentence in page_of.get(url(case)).main()
    page_of.post(url(case, "/commencer"), {}, status=422)
    page_of.post(url(case), {}, status=409)
    assert rows(databases, "select count(*) from diagnosis") == [(0,)]


def test_beginning_twice_begins_once(case: Case, page_of: PageClient, databases: Databases) -> None:
    form = page_of.get(url(case)).form("/commencer")
    page_of.submit(form)
    page_of.submit(form)
    assert rows(databases, "select number from diagnosis") == [(1,)]


# Filling


def test_a_whole_conversation_is_kept_then_finished_then_begun_again(
    case: Case, page_of: PageClient, referent: Member, databases: Databases
) -> None:
    begun(page_of, case)
    fill(
        page_of, case,
        mobilite_status="identifie", mobilite_severity="3", mobilite_priority="y", mobilite_owner="partner",
        mobilite_situations=["permis_non_valide", "sans_transport"], logement_situations=["loyer_difficile"],
        sante_situations=["metiers_exclus"], discrimination_status="sans_objet", strengths="Parle trois langues 😀\r\nAime enseigner",
        occupation="Aide-cuisinière", sector="hotellerie_restauration", radius_km="30 km", working_time="plein", contract="cdi",
        project="Cuisiner", digital_autonomy="avec_aide", french_spoken="b1", french_written="a2",
    )  # fmt: skip
    kept = "select code, status, severity, is_priority, owner, situations, identified_on, recorded_by_id from frein order by code"
    assert rows(databases, kept) == [
        ("discrimination", "sans_objet", None, False, None, [], None, referent.id),
        ("logement", "identifie", None, False, None, ["loyer_difficile"], today(), referent.id),
        (
            "mobilite",
            "identifie",
            3,
            True,
            "partner",
            ["sans_transport", "permis_non_valide"],
            today(),
            referent.id,
        ),
        ("sante", "identifie", None, False, None, ["metiers_exclus"], today(), referent.id),
    ]
    portrait = "select strengths, occupation, rome_code, sector, radius_km, contract, french_written, finished_on from diagnosis"
    assert rows(databases, portrait) == [
        (
            "Parle trois langues 😀\nAime enseigner",
            "Aide-cuisinière",
            None,
            "hotellerie_restauration",
            30,
            "cdi",
            "a2",
            None,
        )
    ]
    page = page_of.get(url(case))
    values = page.form(holding="strengths").values
    assert values["mobilite_severity"] == "3" and values["mobilite_situations"] == [
        "sans_transport",
        "permis_non_valide",
    ]
    answer = fill(page_of, case, geste="terminer", mobilite_status="en_cours")
    assert answer.location.endswith("/diagnostic/1")
    read = page_of.follow(answer).main()
    for shown in ("Mobilité", "Bloquant", "En cours", "Aide-cuisinière", "30 km", "CDI", "B1", "Sensible"):
        assert shown in read
    frozen = "select code, status, severity, is_priority from frein_reading order by code"
    assert rows(databases, frozen) == [
        ("discrimination", "sans_objet", None, False), ("logement", "identifie", None, False),
        ("mobilite", "en_cours", 3, True), ("sante", "identifie", None, False),
    ]  # fmt: skip
    begun(page_of, case)
    fill(page_of, case, mobilite_status="leve")
    assert rows(databases, "select number, occupation, contract, finished_on from diagnosis order by number") == [
        (1, "Aide-cuisinière", "cdi", today()), (2, "Aide-cuisinière", "cdi", None),
    ]  # fmt: skip
    assert rows(databases, "select status from frein_reading where code = 'mobilite'") == [("en_cours",)]
    assert rows(databases, "select settled_on from frein where code = 'mobilite'") == [(today(),)]


def test_a_known_occupation_keeps_its_code(case: Case, page_of: PageClient, databases: Databases) -> None:
    databases.superuser.execute(
        "insert into rome_name (id, rome_code, occupation, name) values (1, 'G1602', 'Cuisinier / Cuisinière', 'Aide-cuisinier / Aide-cuisinière')"
    )
    page = begun(page_of, case)
    field = page.all("input", name="occupation")[0]
    assert field["hx-get"] == "/metiers" and field["list"] == "metiers"
    fill(page_of, case, occupation="aide-cuisinier / aide-cuisiniere")
    assert rows(databases, "select rome_code from diagnosis") == [("G1602",)]
    fill(page_of, case, occupation="Aide de cuisine, mais le soir")
    assert rows(databases, "select rome_code, occupation from diagnosis") == [
        (None, "Aide de cuisine, mais le soir")
    ]


def test_nothing_is_asked_but_one_frein_to_finish(
    case: Case, page_of: PageClient, databases: Databases
) -> None:
    begun(page_of, case)
    fill(page_of, case)
    page = fill(page_of, case, status=422, geste="terminer", strengths="Tient bon")
    assert "Abordez au moins un frein" in page.errors()
    assert page.form(holding="strengths").values["strengths"].strip() == "Tient bon"
    assert rows(databases, "select finished_on, strengths, (select count(*) from frein) from diagnosis") == [
        (None, None, 0)
    ]
    fill(page_of, case, geste="terminer", numerique_status="sans_objet")
    assert rows(databases, "select code, status from frein_reading") == [("numerique", "sans_objet")]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"strengths": "a" * 20_000}, "dépasse 10\u202f000 caractères"),
        ({"occupation": "a" * 20_000}, "limité à 200"),
        ({"project": "2 85 03 59 512 045 28"}, "numéro de sécurité sociale"),
        ({"radius_km": "loin"}, "en kilomètres"),
        ({"radius_km": "20000"}, "de 0 à 1\u202f000"),
        ({"radius_km": "-3"}, "en kilomètres"),
        ({"sector": "inconnu"}, "n’existe pas dans la liste"),
        ({"contract": "emploi_franc"}, "n’est plus proposé"),
        ({"sector": "x" * 20_000}, "n’existe pas dans la liste"),
        ({"mobilite_status": "leve"}, "ne peut pas devenir"),
        ({"mobilite_status": "envolé"}, "n’existe pas dans la liste"),
        ({"mobilite_severity": "4"}, "n’existe pas dans la liste"),
        ({"mobilite_owner": "voisin"}, "n’existe pas dans la liste"),
        ({"mobilite_situations": ["loyer_difficile"]}, "n’existe pas dans la liste"),
        ({"mobilite_status": "sans_objet", "mobilite_severity": "2"}, "sans objet"),
    ],
)
def test_bad_answers_are_refused_in_whole_sentences_and_nothing_is_lost(
    said: dict[str, Any], sentence: str, case: Case, page_of: PageClient, databases: Databases
) -> None:
    begun(page_of, case)
    page = fill(page_of, case, status=422, **{"strengths": "Tient bon 😀", "logement_severity": "2", **said})
    assert sentence.replace("\u202f", " ") in page.errors().replace("\u202f", " ").replace("\u00a0", " ")
    values = page.form(holding="strengths").values
    assert values["logement_severity"] == "2"
    for name, typed in said.items():
        if name in ("strengths", "occupation", "project", "radius_km"):
            assert values[name].strip() == typed
    assert rows(databases, "select strengths, (select count(*) from frein) from diagnosis") == [(None, 0)]


def test_a_line_set_aside_stays_where_it_was_kept_and_is_chosen_nowhere_else(
    world: World, referent: Member, case: Case, page_of: PageClient, databases: Databases
) -> None:
    aside = ListItem(
        id=uuid.uuid4(), list=ListName.SECTEUR, code="loc_quai", label="Métiers du quai", cite_id=referent.cite.id, is_active=False
    )  # fmt: skip
    elsewhere = ListItem(
        id=uuid.uuid4(), list=ListName.SECTEUR, code="loc_mer", label="Pêche", cite_id=world.cite("Calais").id
    )
    world.keep(aside, elsewhere)
    begun(page_of, case)
    assert "n’est plus proposé" in fill(page_of, case, status=422, sector="loc_quai").errors()
    assert "n’existe pas" in fill(page_of, case, status=422, sector="loc_mer").errors()
    databases.superuser.execute("update diagnosis set sector = 'loc_quai'")
    fill(page_of, case, strengths="Force")
    assert rows(databases, "select sector, strengths from diagnosis") == [("loc_quai", "Force")]
    assert "Métiers du quai" in page_of.get(url(case)).text()


def test_health_is_said_only_by_the_list(case: Case, page_of: PageClient) -> None:
    page = begun(page_of, case)
    (health,) = [each for each in page.all("fieldset") if each.attributes.get("id") == "frein-sante"]
    assert "jamais la cause" in health.text() and "Sensible" in health.text()
    assert not health.all("textarea") and not health.all("input", type="text")
    assert len(health.all("input", name="sante_situations")) == 6


# Drafts and conflicts


def test_what_is_typed_comes_back_until_it_is_saved(
    case: Case, page_of: PageClient, databases: Databases
) -> None:
    page = begun(page_of, case)
    values = page.form(holding="strengths").values
    key = f"diagnostic:{case.id}"
    assert page.form(holding="strengths").element["data-draft"] == key
    typed = {
        **values,
        "strengths": "En train de",
        "mobilite_situations": ["sans_transport", "zone_peu_desservie"],
        "mobilite_severity": "2",
    }
    typed.pop("csrf_token")
    token = {"X-CSRFToken": page_of.token(), "Content-Type": "application/json"}
    assert page_of.flask.put(f"/brouillons/{key}", data=json.dumps(typed), headers=token).status_code == 200
    page = page_of.get(url(case))
    assert "Brouillon retrouvé" in page.text()
    form = page.form(holding="strengths")
    assert form.values["strengths"].strip() == "En train de"
    assert form.values["mobilite_situations"] == ["sans_transport", "zone_peu_desservie"]
    page_of.submit(form, geste="enregistrer")
    assert rows(databases, "select count(*) from draft") == [(0,)]
    assert rows(databases, "select severity from frein") == [(2,)]
    assert page_of.flask.put(f"/brouillons/{key}", data=json.dumps(typed), headers=token).status_code == 200
    page_of.submit(page_of.get(url(case)).form("/brouillon"))
    assert "Brouillon retrouvé" not in page_of.get(url(case)).text()


def test_two_who_fill_together_see_both_texts_and_choose(
    world: World, case: Case, page_of: PageClient, client_of: SignIn, referent: Member, databases: Databases
) -> None:
    begun(page_of, case)
    coordinator = client_of(world.member(Role.COORDINATOR, referent.cite))
    mine = page_of.get(url(case)).form(holding="strengths")
    fill(
        coordinator,
        case,
        strengths="Sa version",
        mobilite_severity="1",
        mobilite_situations=["sans_transport"],
        logement_severity="3",
    )
    page = page_of.submit(
        mine, status=409, geste="enregistrer", strengths="Ma version", mobilite_severity="3", project="Mon projet",
        mobilite_situations=["permis_non_valide", "sans_transport"],
    )  # fmt: skip
    for shown in ("Ma version", "Sa version", "Permis non valide", "Bloquant", "Gênant"):
        assert shown in page.main()
    form = page.form(holding="version")
    page_of.submit(
        form, **{"keep-strengths": "theirs", "keep-mobilite_severity": "mine", "keep-mobilite_situations": "mine",
                 "keep-logement_severity": "theirs", "keep-logement_status": "theirs"},
    )  # fmt: skip
    assert rows(databases, "select strengths, project from diagnosis") == [("Sa version", "Mon projet")]
    assert rows(databases, "select code, severity, situations from frein order by code") == [
        ("logement", 3, []), ("mobilite", 3, ["sans_transport", "permis_non_valide"]),
    ]  # fmt: skip


def test_the_same_thing_saved_twice_is_no_conflict(case: Case, page_of: PageClient) -> None:
    form = begun(page_of, case).form(holding="strengths")
    for _ in range(2):
        page_of.submit(form, geste="enregistrer", strengths="Pareil", mobilite_severity="2")


def test_a_frein_moved_elsewhere_meanwhile_is_a_conflict(
    world: World, case: Case, page_of: PageClient, referent: Member, databases: Databases
) -> None:
    frein = a_frein(world, case, referent, severity=2)
    form = begun(page_of, case).form(holding="strengths")
    moved = page_of.get(f"/personnes/{case.id}/freins/{frein.id}").form(holding="status")
    page_of.post(moved.action, {**moved.values, "status": "leve"})
    page = page_of.submit(form, status=409, geste="enregistrer", mobilite_severity="3")
    assert "Levé" in page.main() and "Identifié" in page.main()
    assert rows(databases, "select status, severity from frein") == [("leve", 2)]


def test_a_version_finished_meanwhile_loses_nothing(
    case: Case, page_of: PageClient, databases: Databases
) -> None:
    form = begun(page_of, case).form(holding="strengths")
    fill(page_of, case, geste="terminer", mobilite_severity="2")
    page = page_of.submit(form, status=409, geste="enregistrer", strengths="Encore un mot")
    assert "vient d’être terminée" in page.main()
    again = page.form(holding="strengths")
    assert again.values["strengths"].strip() == "Encore un mot"
    page_of.submit(again, geste="reprendre", mobilite_severity="2")
    assert rows(databases, "select number, strengths, finished_on is null from diagnosis order by 1") == [
        (1, None, False), (2, "Encore un mot", True),
    ]  # fmt: skip


# Reading


def test_progress_between_two_versions_is_drawn_and_told(
    world: World, case: Case, page_of: PageClient, referent: Member
) -> None:
    assert "Rien à comparer" in page_of.get(url(case, "/progres")).main()
    first = a_version(
        world,
        case,
        referent,
        1,
        today() - timedelta(90),
        mobilite=("identifie", 3),
        logement=("en_cours", 2),
        langue=("identifie", 1),
    )
    a_version(
        world,
        case,
        referent,
        2,
        today() - timedelta(9),
        mobilite=("leve", 3),
        logement=("en_cours", 1),
        langue=("identifie", 1),
        numerique=("identifie", 2),
    )
    a_frein(world, case, referent, "mobilite", severity=2)
    page = page_of.get(url(case, "/progres"))
    assert page.all("svg", class_="moves") and page.all("svg", class_="moves")[0].all("desc")
    table = {row.all("th")[0].text(): [cell.text() for cell in row.all("td")] for row in page.all("tr")[1:]}
    assert table == {
        "Mobilité": ["Identifié, bloquant", "Levé", "Levé"],
        "Maîtrise du français": ["Identifié, gênant", "Identifié, gênant", "Inchangé"],
        "Logement et hébergement": ["En cours, important", "En cours, gênant", "Allégé"],
        "Équipement et usages numériques": ["Pas abordé", "Identifié, important", "Apparu"],
    }
    now = page_of.get(url(case, "/progres?de=maintenant&a=2")).main()
    assert "Revenu" in now, "the earlier end comes first, whichever way it was asked"
    for bad in ("?de=99&a=abc", "?de=&a="):
        page_of.get(url(case, f"/progres{bad}"))
    assert "Depuis la version 1" in page_of.get(url(case, "/2")).main()
    page_of.get(url(case, "/3"), status=404)
    assert first.number == 1


def test_the_version_being_filled_is_read_where_it_is_filled(case: Case, page_of: PageClient) -> None:
    begun(page_of, case)
    assert page_of.get(url(case, "/1"), status=303).location.endswith("/diagnostic")


def test_each_page_is_a_reading_of_the_file(
    world: World, case: Case, page_of: PageClient, referent: Member, databases: Databases
) -> None:
    a_version(world, case, referent, 1, today(), mobilite=("identifie", 3))
    frein = a_frein(world, case, referent)
    read = "select count(*) from audit.journal where verb = 'read' and subject = 'person' and subject_id = %s"
    for count, path in enumerate(
        (url(case), url(case, "/1"), url(case, "/progres"), f"/personnes/{case.id}/freins/{frein.id}"), 1
    ):
        page_of.get(path)
        assert rows(databases, read, str(case.id)) == [(count,)]


# One frein


def move(page_of: PageClient, case: Case, frein: Frein, *, expected: int = 303, **said: Any) -> Page:
    form = page_of.get(f"/personnes/{case.id}/freins/{frein.id}").form(holding="on")
    return page_of.post(form.action, {**form.values, **said}, status=expected)


def test_a_frein_is_lifted_then_comes_back(
    world: World, case: Case, page_of: PageClient, referent: Member, databases: Databases
) -> None:
    frein = a_frein(world, case, referent, severity=3)
    yesterday = today() - timedelta(1)
    move(page_of, case, frein, status="leve", on=yesterday.isoformat())
    state = "select status, severity, identified_on, settled_on, recorded_by_id from frein"
    assert rows(databases, state) == [("leve", 3, today() - timedelta(9), yesterday, referent.id)]
    refused = move(
        page_of, case, frein, expected=422, status="identifie", on=(today() - timedelta(3)).isoformat()
    )
    assert "précède" in refused.errors()
    move(page_of, case, frein, status="identifie", severity="1")
    assert rows(databases, state) == [("identifie", 1, today(), None, referent.id)]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"status": ""}, "n’existe pas dans la liste"),
        ({"status": "non_aborde"}, "n’existe pas dans la liste"),
        ({"status": "leve", "on": "2999-01-01"}, "n’est pas vraisemblable"),
        ({"status": "leve", "on": (today() + timedelta(2)).isoformat()}, "dans le futur"),
        ({"status": "leve", "on": (today() - timedelta(99)).isoformat()}, "précède le jour"),
        ({"status": "leve", "on": ""}, "Indiquez le jour"),
        ({"status": "en_cours", "severity": "9"}, "n’existe pas dans la liste"),
    ],
)
def test_a_bad_move_is_refused(
    said: dict[str, str],
    sentence: str,
    world: World,
    case: Case,
    page_of: PageClient,
    referent: Member,
    databases: Databases,
) -> None:
    frein = a_frein(world, case, referent)
    assert sentence in move(page_of, case, frein, expected=422, **said).errors()
    assert rows(databases, "select status, version from frein") == [("identifie", 1)]


def test_a_frein_seen_too_long_ago_moves_only_after_another_look(
    world: World, case: Case, page_of: PageClient, referent: Member, databases: Databases
) -> None:
    frein = a_frein(world, case, referent)
    form = page_of.get(f"/personnes/{case.id}/freins/{frein.id}").form(holding="on")
    move(page_of, case, frein, status="en_cours")
    page = page_of.post(form.action, {**form.values, "status": "abandonne"}, status=409)
    assert "Quelqu’un est passé avant vous" in page.errors() and "en cours" in page.errors()
    assert rows(databases, "select status from frein") == [("en_cours",)]


def test_freins_of_a_closed_parcours_move_no_more(
    world: World, referent: Member, page_of: PageClient, databases: Databases
) -> None:
    case = world.case(referent.cite, referent=referent, status=Status.SORTI)
    frein = a_frein(world, case, referent)
    path = f"/personnes/{case.id}/freins/{frein.id}"
    assert "Ce parcours est clos" in page_of.get(path).main()
    page_of.post(path, {"status": "leve", "version": "1", "on": str(today())}, status=422)
    assert rows(databases, "select status from frein") == [("identifie",)]


# Situations, and who deals with a frein

WALKS, LICENCE = "Aucun moyen de transport à disposition", "Permis non valide ou suspendu"


@pytest.fixture
def told(case: Case, page_of: PageClient) -> None:
    """A version was finished, where two situations were ticked and a partner chosen."""
    begun(page_of, case)
    fill(page_of, case, geste="terminer", mobilite_status="identifie", mobilite_owner="partner",
         mobilite_situations=["permis_non_valide", "sans_transport"], logement_status="identifie")  # fmt: skip


@pytest.mark.usefixtures("told")
def test_the_last_version_tells_situations_and_who_deals_with_each_frein(
    case: Case, page_of: PageClient
) -> None:
    page = page_of.get(url(case, "/1"))
    said = {row.all("th")[0].text(): row.text() for row in page.all("tr") if row.all("td")}
    [(_, mobility)] = [line for line in said.items() if "Mobilité" in line[0]]
    assert f"{WALKS} · {LICENCE}" in mobility and "Un partenaire" in mobility
    assert all("Non dit" in row and WALKS not in row for name, row in said.items() if "Mobilité" not in name)
    assert "n’a gardé ni" not in page.main()


@pytest.mark.usefixtures("told")
def test_what_was_not_frozen_is_not_told_once_another_version_is_begun(
    case: Case, page_of: PageClient
) -> None:
    begun(page_of, case)
    page = page_of.get(url(case, "/1"))
    assert "Mobilité" in page.main() and "n’a gardé ni les situations" in page.main()
    assert WALKS not in page.main() and "Un partenaire" not in page.main()
    assert page.links()["le dossier"] == f"/personnes/{case.id}#freins"


@pytest.mark.usefixtures("told")
def test_a_version_left_open_by_a_closed_parcours_tells_them(
    case: Case, page_of: PageClient, databases: Databases
) -> None:
    begun(page_of, case)
    fill(page_of, case, mobilite_owner="referent")
    end(databases, case)
    said = page_of.get(url(case, "/2")).main()
    assert WALKS in said and "Le référent" in said and "n’a gardé ni" not in said


@pytest.mark.usefixtures("told")
def test_a_frein_tells_its_situations_on_its_page_and_in_the_file_while_it_is_there(
    case: Case, page_of: PageClient, databases: Databases
) -> None:
    [(frein_id,)] = rows(databases, "select id from frein where code = 'mobilite'")
    file, page = f"/personnes/{case.id}", page_of.get(f"/personnes/{case.id}/freins/{frein_id}")
    answers = page.all("dl", class_="answers")[0].text()
    assert WALKS in answers and LICENCE in answers and "Qui s’en occupe Un partenaire" in answers
    assert f"{WALKS} · {LICENCE}" in page_of.get(file).all("section", id="freins")[0].text()
    form = page.form(holding="on")
    page_of.post(form.action, {**form.values, "status": "leve"}, status=303)
    assert WALKS not in page_of.get(file).main(), "a frein that was lifted is no longer so"
    assert WALKS in page_of.get(form.action).main()


def test_a_frein_of_which_little_was_said_shows_no_empty_answer(
    world: World, case: Case, page_of: PageClient, referent: Member
) -> None:
    frein = a_frein(world, case, referent)
    assert not page_of.get(f"/personnes/{case.id}/freins/{frein.id}").all("dl", class_="answers")


# What the database keeps


def test_a_finished_version_and_its_readings_never_change(
    world: World, case: Case, referent: Member, databases: Databases
) -> None:
    one = a_version(world, case, referent, 1, today(), mobilite=("identifie", 3))
    guards = {"diagnosis": "diagnosis_is_kept", "frein_reading": "frein_reading_is_kept"}
    for statement, table in (
        (f"update diagnosis set strengths = 'x' where id = '{one.id}'", "diagnosis"),
        (f"delete from diagnosis where id = '{one.id}'", "diagnosis"),
        ("update frein_reading set severity = 1", "frein_reading"),
        ("delete from frein_reading", "frein_reading"),
    ):
        with databases.connected_as("cityjobs_owner") as owner:
            with pytest.raises(psycopg.errors.RestrictViolation), owner.transaction():
                owner.execute(statement)
            owner.execute(f"alter table {table} disable trigger {guards[table]}")
            if table == "diagnosis" and statement.startswith("delete"):
                continue  # its readings point to it
            assert owner.execute(statement).rowcount == 1, "the guard was not what refused"


def test_the_database_takes_no_code_of_no_list(
    world: World, case: Case, referent: Member, databases: Databases
) -> None:
    frein = a_frein(world, case, referent)
    for statement in ("update frein set situations = '{inventee}'", "update frein set code = 'autre'"):
        with databases.connected_as("cityjobs_owner") as owner:
            with pytest.raises(psycopg.errors.ForeignKeyViolation), owner.transaction():
                owner.execute(f"{statement} where id = '{frein.id}'")
            owner.execute("alter table frein disable trigger frein_codes")
            assert owner.execute(f"{statement} where id = '{frein.id}'").rowcount == 1


# How many questions


@pytest.mark.parametrize("versions", [1, 20, 200])
def test_pages_ask_as_much_of_many_versions_as_of_one(
    versions: int,
    world: World,
    case: Case,
    page_of: PageClient,
    referent: Member,
    databases: Databases,
    count_queries: Callable[[], Any],
) -> None:
    for number in range(1, versions + 1):
        a_version(
            world,
            case,
            referent,
            number,
            today() - timedelta(versions - number),
            mobilite=("identifie", 3),
            logement=("leve", 1),
        )
    a_version(world, case, referent, versions + 1, None)
    for code in ("mobilite", "logement", "langue", "numerique"):
        a_frein(world, case, referent, code)
    counted = {}
    for path, most in (("", 6), ("/1", 6), ("/progres", 6)):
        page_of.get(url(case, path))
        with count_queries() as statements:
            page_of.get(url(case, path))
        counted[path] = len(statements)
        assert len(statements) <= most, "\n".join(statements)
