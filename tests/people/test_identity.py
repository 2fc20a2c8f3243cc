"""Identity, contact and address: who may change them, what is refused, what two people who overlap are shown."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from cityjobs.core.clock import today
from cityjobs.people.models import Person
from cityjobs.territory.models import Cite, CiteQpv, Qpv
from tests.manners import FilledForm, Page, PageClient
from tests.world import Case, World

ClientOf = Callable[[Any], PageClient]
NIR = "2 85 03 59 512 045 28"


@pytest.fixture
def roubaix(world: World) -> Cite:
    return world.cite("Roubaix")


def page_of(case: Case) -> str:
    return f"/personnes/{case.id}/modifier"


def form_of(page: Page) -> FilledForm:
    return page.form("/modifier")


def kept(world: World, case: Case) -> Person:
    world.session.rollback()
    world.session.expire_all()
    return world.session.get_one(Person, case.id)


def quarter(world: World, cite: Cite, name: str = "Alma – Gare", **facts: Any) -> Qpv:
    qpv = Qpv(
        code=f"QN0590{world.next()}M", name=name, generation=2024, **{"valid_from": date(2024, 1, 1), **facts}
    )
    world.keep(qpv)
    world.keep(CiteQpv(cite_id=cite.id, qpv_id=qpv.id))
    return qpv


def test_a_referent_changes_everything_that_is_allowed(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    referent = world.member("referent", roubaix)
    case = world.case(roubaix, referent=referent)
    qpv = quarter(world, roubaix)
    client = client_of(referent)
    answers = {
        "first_name": "Élise 🙂", "last_name": "N’Diaye", "birth_name": "Lefèvre", "civility": "madame", "gender": "femme",
        "birth_date": "12/03/1990", "phone": "06 12 34 56 78", "second_phone": "+32 470 12 34 56", "email": "Elise@Exemple.FR",
        "reached_through": "sa sœur", "preferred_channel": "sms", "language": "wolof", "needs_interpreter": "y",
        "address": "3 rue de l’Alma", "postcode": "59100", "commune": "Roubaix", "qpv": f"inside:{qpv.id}", "qpv_source": "sig_ville",
    }  # fmt: skip
    answer = client.submit(form_of(client.get(page_of(case))), **answers)
    assert answer.location == f"/personnes/{case.id}"
    person = kept(world, case)
    assert (person.first_name, person.last_name, person.birth_name) == ("Élise 🙂", "N’Diaye", "Lefèvre")
    assert (person.civility, person.gender, person.birth_date) == ("madame", "femme", date(1990, 3, 12))
    assert (person.phone, person.second_phone, person.email) == (
        "+33612345678",
        "+32470123456",
        "elise@exemple.fr",
    )
    assert (person.preferred_channel, person.language, person.needs_interpreter) == ("sms", "wolof", True)
    assert (person.address, person.postcode, person.commune) == ("3 rue de l’Alma", "59100", "Roubaix")
    assert (person.qpv_answer, person.qpv_id, person.qpv_source) == ("inside", qpv.id, "sig_ville")
    assert (person.qpv_checked_on, person.qpv_confirmed_by_id) == (today(), referent.id)
    assert person.updated_by_id == referent.id and person.updated_at is not None and person.version == 2
    again = client.get(page_of(case))
    values = form_of(again).values
    assert values["phone"] == "06 12 34 56 78" and values["second_phone"] == "+32 470 12 34 56"
    assert (
        f"confirmé par {referent.user.display_name}" in again.main()
        and "vérifié sur SIG Ville" in again.main()
    )


def test_saving_without_a_change_keeps_the_provenance(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    before = today() - timedelta(days=100)
    qpv = quarter(world, roubaix)
    case = world.case(
        roubaix,
        qpv_answer="inside",
        qpv_id=qpv.id,
        qpv_source="geocode",
        qpv_checked_on=before,
        longitude=3.17,
        latitude=50.69,
        address="3 rue de l’Alma",
    )
    client = client_of(world.member("coordinator", roubaix))
    client.submit(form_of(client.get(page_of(case))), language="portugais")
    person = kept(world, case)
    assert (person.qpv_source, person.qpv_checked_on, person.longitude) == ("geocode", before, 3.17)
    client.submit(form_of(client.get(page_of(case))), qpv_again="y", qpv_source="declare")
    person = kept(world, case)
    assert (person.qpv_source, person.qpv_checked_on) == ("declare", today())


def test_a_new_address_asks_about_the_quarter_again(world: World, roubaix: Cite, client_of: ClientOf) -> None:
    qpv = quarter(world, roubaix)
    case = world.case(
        roubaix,
        qpv_answer="inside",
        qpv_id=qpv.id,
        qpv_source="declare",
        longitude=3.17,
        latitude=50.69,
        address="3 rue de l’Alma",
    )
    client = client_of(world.member("coordinator", roubaix))
    form = form_of(client.get(page_of(case)))
    refused = client.submit(form, address="9 place Carnot", status=422)
    assert "L’adresse a changé" in refused.errors() and form_of(refused).values["address"] == "9 place Carnot"
    client.submit(form_of(refused), qpv="to_check")
    person = kept(world, case)
    assert (person.qpv_answer, person.qpv_id, person.longitude, person.latitude) == (
        "to_check",
        None,
        None,
        None,
    )
    client.submit(form_of(client.get(page_of(case))), qpv="unknown")
    assert (kept(world, case).qpv_source, kept(world, case).qpv_checked_on) == (None, None)


def test_a_quarter_of_before_stays_offered_to_whoever_lives_there(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    old = quarter(world, roubaix, "Ancien quartier", valid_until=date(2023, 12, 31))
    case = world.case(roubaix, qpv_answer="inside", qpv_id=old.id, qpv_source="import")
    client = client_of(world.member("coordinator", roubaix))
    form = form_of(client.get(page_of(case)))
    assert form.values["qpv"] == f"inside:{old.id}" and "Ancien quartier" in form.element.text()
    client.submit(form, language="arabe")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"first_name": ""}, "au moins un prénom"),
        (
            {"phone": "", "second_phone": "", "email": "", "address": "", "reached_through": ""},
            "au moins un moyen de joindre",
        ),
        ({"phone": "06 12"}, "n’est pas valable"),
        ({"second_phone": "abc"}, "n’est pas valable"),
        ({"email": "elise@"}, "n’est pas valable"),
        ({"birth_date": (today() + timedelta(days=1)).isoformat()}, "dans le futur"),
        ({"birth_date": "1900-01-01"}, "trop ancienne"),
        ({"birth_date": "31/02/1990"}, "reconnue"),
        ({"birth_date": "1890-01-01"}, "vraisemblable"),
        ({"postcode": "591"}, "cinq chiffres"),
        ({"gender": "x"}, "n’existe pas dans la liste"),
        ({"qpv": "inside:pas-un-uuid"}, "n’existe pas dans la liste"),
        ({"commune": "x" * 20_000}, "limité à 100"),
        *[
            ({name: value}, "sécurité sociale")
            for name in (
                "first_name",
                "last_name",
                "birth_name",
                "reached_through",
                "language",
                "address",
                "commune",
            )
            for value in (NIR, "285035951204528")
        ],
        ({"address": "1 85 03 2A 512 045 91"}, "sécurité sociale"),
        ({"address": "1.85.03.2B.512.045.21"}, "sécurité sociale"),
    ],
)
def test_a_wrong_answer_is_explained_and_kept_on_screen(
    world: World, roubaix: Cite, client_of: ClientOf, wrong: dict[str, str], said: str
) -> None:
    case = world.case(roubaix)
    client = client_of(world.member("coordinator", roubaix))
    page = client.submit(form_of(client.get(page_of(case))), **{"language": "soninké", **wrong}, status=422)
    assert said in page.errors()
    values = form_of(page).values
    assert all(values[name].strip() == text for name, text in wrong.items() if name not in ("gender", "qpv"))
    assert values["language"] == wrong.get("language", "soninké")
    assert kept(world, case).version == 1


def test_a_siret_is_not_a_social_security_number(world: World, roubaix: Cite, client_of: ClientOf) -> None:
    case = world.case(roubaix)
    client = client_of(world.member("coordinator", roubaix))
    client.submit(form_of(client.get(page_of(case))), reached_through="Régie de quartier, 732 829 320 00074")


def test_who_may_change_a_person(
    world: World, roubaix: Cite, client_of: ClientOf, client: PageClient
) -> None:
    mine, spotter = world.member("referent", roubaix), world.member("spotter", roubaix)
    case = world.case(roubaix, referent=mine, spotted_by=spotter)
    second = world.member("referent", roubaix)
    world.assign(case.person, case.parcours, second, kind="co_referent")
    for member in (mine, second, world.member("coordinator", roubaix)):
        client_of(member).get(page_of(case))
    for member in (world.member("referent", roubaix), world.member("coordinator", world.cite("Calais"))):
        client_of(member).get(page_of(case), status=404)
        client_of(member).post(page_of(case), {"first_name": "Pirate"}, status=404)
    for role in ("chef_de_file", "funder", "partner", "administrator"):
        client_of(world.member(role, roubaix)).get(page_of(case), status=403)
    client_of(spotter).get(page_of(case), status=403)
    assert client.get(page_of(case), status=303).location.startswith("/connexion")
    assert kept(world, case).first_name == "Nadia"


# Two people at once


def test_two_versions_are_chosen_field_by_field_and_nothing_is_lost(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    mine, theirs = (
        world.member("referent", roubaix),
        world.member("coordinator", roubaix, first_name="Awa", last_name="Traoré"),
    )
    case = world.case(roubaix, referent=mine, language="français")
    me, other = client_of(mine), client_of(theirs)
    opened = form_of(me.get(page_of(case)))
    other.submit(form_of(other.get(page_of(case))), phone="07 81 00 00 01", language="arabe", commune="Croix")
    page = me.submit(opened, phone="07 81 00 00 02", last_name="Mienne", status=409)
    words = page.main()
    assert (
        "Awa Traoré a enregistré la sienne" in words
        and "07 81 00 00 01" in words
        and "07 81 00 00 02" in words
    )
    assert "Mienne" in words and "Langue" not in words, "what I did not touch is not asked"
    choices = form_of(page)
    assert "was" not in choices.values
    me.submit(choices, **{"keep-phone": "theirs"})
    person = kept(world, case)
    assert (person.phone, person.last_name, person.language, person.commune) == (
        "+33781000001",
        "Mienne",
        "arabe",
        "Croix",
    )
    assert person.version == 3


def test_a_third_version_is_shown_too(world: World, roubaix: Cite, client_of: ClientOf) -> None:
    case = world.case(roubaix)
    me, other = (
        client_of(world.member("coordinator", roubaix)),
        client_of(world.member("coordinator", roubaix)),
    )
    opened = form_of(me.get(page_of(case)))
    other.submit(form_of(other.get(page_of(case))), language="arabe")
    first = me.submit(opened, language="wolof", status=409)
    other.submit(form_of(other.get(page_of(case))), language="portugais")
    second = me.submit(form_of(first), status=409)
    assert "wolof" in second.main() and "portugais" in second.main()
    me.submit(form_of(second))
    assert kept(world, case).language == "wolof"


def test_of_two_forms_sent_at_the_same_time_one_is_saved_and_the_other_asked(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    case = world.case(roubaix)
    clients = [client_of(world.member("coordinator", roubaix)) for _ in range(2)]
    forms = [form_of(client.get(page_of(case))) for client in clients]
    start, answers = threading.Barrier(2), []

    def send(client: PageClient, form: FilledForm, language: str) -> None:
        start.wait()
        answers.append(
            client.flask.post(page_of(case), data={**form.values, "language": language}).status_code
        )

    threads = [
        threading.Thread(target=send, args=(c, f, t))
        for c, f, t in zip(clients, forms, ("arabe", "wolof"), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 409] and kept(world, case).version == 2


@pytest.mark.parametrize("version", ["", "0", "99", "-1", "x", "9" * 40])
def test_a_version_that_fits_no_row_is_a_conflict(
    world: World, roubaix: Cite, client_of: ClientOf, version: str
) -> None:
    case = world.case(roubaix)
    client = client_of(world.member("coordinator", roubaix))
    client.submit(form_of(client.get(page_of(case))), version=version, language="arabe", status=409)


def test_every_change_is_in_the_journal_with_its_author_and_without_what_is_computed(
    world: World, roubaix: Cite, client_of: ClientOf, databases: Any
) -> None:
    member = world.member("coordinator", roubaix)
    case = world.case(roubaix, last_name="Avant")
    client = client_of(member)
    client.submit(form_of(client.get(page_of(case))), last_name="Après")
    traces = databases.superuser.execute(
        "select actor, before ->> 'last_name', after ->> 'last_name', after ?| array['search_name', 'sort_name', 'trigrams']"
        " from audit.journal where subject = 'person' and verb = 'update'"
    ).fetchall()
    assert traces == [(member.id, "Avant", "Après", False)]
