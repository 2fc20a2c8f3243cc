"""Spotting: search first, then a short form; likely duplicates are shown and never block."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from cityjobs.core.clock import today
from cityjobs.parcours.models import Assignment, Parcours, Spotting
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.parcours.rules.reasons import SpottingChannel
from cityjobs.people.models import Person
from cityjobs.territory.models import Cite, CiteQpv, Qpv
from tests.manners import FilledForm, Page, PageClient
from tests.world import World

ClientOf = Callable[[Any], PageClient]


@pytest.fixture
def roubaix(world: World) -> Cite:
    return world.cite("Roubaix")


def quarter(world: World, cite: Cite, name: str = "Alma – Gare", **facts: Any) -> Qpv:
    number = world.next()
    qpv = Qpv(
        code=f"QN059{number:02}M",
        name=name,
        generation=2024,
        **{"valid_from": today() - timedelta(days=900), **facts},
    )
    world.keep(qpv)
    world.keep(CiteQpv(cite_id=cite.id, qpv_id=qpv.id))
    return qpv


def search(client: PageClient, typed: str) -> Page:
    return client.submit(client.get("/reperage").form("/reperage/chercher"), q=typed, status=200)


def spotting_form(client: PageClient, typed: str = "Nadia Lefebvre 06 12 34 56 78") -> FilledForm:
    return search(client, typed).form(holding="first_name")


SHORT = {"qpv": "unknown", "channel": SpottingChannel.PIED_IMMEUBLE.value}


def people_of(world: World) -> list[Person]:
    world.session.rollback()
    world.session.expire_all()
    return list(world.session.scalars(sa.select(Person).order_by(Person.created_at)))


def test_a_referent_spots_somebody_and_becomes_their_referent(
    world: World, roubaix: Cite, client_of: ClientOf, letterbox: Any
) -> None:
    referent = world.member("referent", roubaix)
    qpv = quarter(world, roubaix)
    client = client_of(referent)
    form = spotting_form(client, "nadia 0612345678 LEFEBVRE 12 mars 1990")
    assert (form.values["first_name"], form.values["last_name"]) == ("Nadia", "Lefebvre")
    assert form.values["phone"] == "06 12 34 56 78" and form.values["birth_date"] == "1990-03-12"
    answer = client.submit(
        form,
        qpv=f"inside:{qpv.id}",
        channel="aller_vers_rue",
        place="Place de la gare",
        first_need="Un travail 🙂",
        agreed="y",
        informed="y",
    )
    (person,) = people_of(world)
    assert answer.location == f"/personnes/{person.id}"
    assert (person.first_name, person.last_name, person.phone) == ("Nadia", "Lefebvre", "+33612345678")
    assert (person.qpv_answer, person.qpv_id, person.qpv_source) == ("inside", qpv.id, "declare")
    assert (person.qpv_confirmed_by_id, person.qpv_checked_on) == (referent.id, today())
    assert person.created_by_id == referent.id and person.cite_id == roubaix.id
    spotting = world.session.scalars(sa.select(Spotting)).one()
    assert (spotting.channel, spotting.place, spotting.first_need) == (
        "aller_vers_rue",
        "Place de la gare",
        "Un travail 🙂",
    )
    assert spotting.agreed_to_be_contacted and spotting.was_informed and spotting.spotted_on == today()
    assert (spotting.spotted_by_id, spotting.organisation_id) == (
        referent.id,
        referent.membership.organisation_id,
    )
    parcours = world.session.scalars(sa.select(Parcours)).one()
    assert (parcours.status, parcours.spotted_on) == (Status.REPERE, today())
    assignment = world.session.scalars(sa.select(Assignment)).one()
    assert (assignment.referent_id, assignment.assigned_by_id) == (referent.id, referent.id)
    assert world.session.execute(sa.text("select count(*) from outgoing")).scalar_one() == 0


def test_a_referent_may_leave_the_person_to_the_coordination_and_still_sees_them(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    referent = world.member("referent", roubaix)
    client = client_of(referent)
    client.submit(spotting_form(client), **SHORT, becomes_referent=None)
    (person,) = people_of(world)
    assert world.session.scalars(sa.select(Assignment)).all() == []
    client.get(f"/personnes/{person.id}/modifier")


@pytest.mark.parametrize("role", ["coordinator", "spotter"])
def test_others_spot_without_becoming_referent(
    world: World, roubaix: Cite, client_of: ClientOf, role: str
) -> None:
    member = world.member(role, roubaix)
    client = client_of(member)
    form = spotting_form(client)
    assert "becomes_referent" not in {e.attributes.get("name") for e in form.element.all("input")}
    answer = client.submit(form, **SHORT, becomes_referent="y")
    (person,) = people_of(world)
    assert answer.location == ("/personnes" if role == "spotter" else f"/personnes/{person.id}")
    assert world.session.scalars(sa.select(Assignment)).all() == []
    if role == "spotter":
        listed = client.follow(answer)
        assert "Nadia Lefebvre" in listed.main() and "Merci" in listed.text()


@pytest.mark.parametrize("role", ["chef_de_file", "funder", "partner", "administrator"])
def test_other_roles_may_not_spot(world: World, roubaix: Cite, client_of: ClientOf, role: str) -> None:
    client = client_of(world.member(role, roubaix))
    for url in ("/reperage", "/reperage/chercher"):
        client.get(url, status=403)
    for url in ("/reperage", "/reperage/chercher", "/reperage/ressemblances"):
        client.post(url, status=403)


def test_signed_out_is_sent_to_sign_in(client: PageClient) -> None:
    assert client.get("/reperage", status=303).location.startswith("/connexion")


def test_search_links_what_is_visible_and_masks_the_rest(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    mine, other = (
        world.member("referent", roubaix),
        world.member("referent", roubaix, first_name="Julien", last_name="Petit"),
    )
    sensitive = world.organisation(roubaix, "SPIP de Roubaix", kind="SPIP", is_sensitive=True)
    hidden = world.member(
        "referent", roubaix, first_name="Awa", last_name="Traoré", organisation_id=sensitive.id
    )
    seen = world.case(roubaix, first_name="Élise", last_name="Lefèvre", referent=mine)
    world.case(roubaix, first_name="Élise", last_name="Lefebvre", referent=other)
    world.case(roubaix, first_name="Éliane", last_name="Lefebvre", referent=hidden)
    world.case(world.cite("Calais"), first_name="Élise", last_name="Lefèvre")
    page = search(client_of(mine), "lefebvre elise")
    assert page.links()["Élise Lefèvre"] == f"/personnes/{seen.id}"
    words = page.main()
    assert "Élise Lefebvre" not in words and "Éliane" not in words
    assert words.count("É… L…") == 2 and "Julien Petit" in words and "déjà suivie" in words
    assert "Awa Traoré" in words and "SPIP" not in words


def test_a_get_of_the_search_page_goes_back_to_its_start(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    assert (
        client_of(world.member("spotter", roubaix)).get("/reperage/chercher", status=302).location
        == "/reperage"
    )


def test_an_empty_search_and_a_social_security_number_are_refused_in_words(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    client = client_of(world.member("spotter", roubaix))
    form = client.get("/reperage").form("/reperage/chercher")
    assert "au moins un prénom" in client.submit(form, q="  ", status=422).main()
    assert "sécurité sociale" in client.submit(form, q="2 85 03 59 512 045 28", status=422).main()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"first_name": " "}, "au moins un prénom"),
        ({"phone": ""}, "au moins un moyen de joindre"),
        ({"phone": "06 12"}, "n’est pas valable"),
        ({"email": "nadia"}, "n’est pas valable"),
        ({"channel": ""}, "comment la personne a été repérée"),
        ({"channel": "pigeon"}, "n’existe pas dans la liste"),
        ({"qpv": ""}, "quartier prioritaire"),
        ({"qpv": "inside:00000000-0000-0000-0000-000000000000"}, "n’existe pas dans la liste"),
        ({"spotted_on": (today() + timedelta(days=1)).isoformat()}, "dans le futur"),
        ({"spotted_on": "31/02/2026"}, "n’est pas reconnue"),
        ({"birth_date": (today() + timedelta(days=1)).isoformat()}, "dans le futur"),
        (
            {"birth_date": today().isoformat(), "spotted_on": (today() - timedelta(days=3)).isoformat()},
            "suit le repérage",
        ),
        ({"first_need": "Mon numéro est 2 85 03 59 512 045 28"}, "sécurité sociale"),
        ({"place": "285035951204528"}, "sécurité sociale"),
        ({"last_name": "x" * 20_000}, "limité à 200"),
        ({"first_need": "x" * 20_000}, "raccourcissez"),
    ],
)
def test_a_wrong_answer_is_explained_and_what_was_typed_stays(
    world: World, roubaix: Cite, client_of: ClientOf, wrong: dict[str, str], said: str
) -> None:
    client = client_of(world.member("referent", roubaix))
    page = client.submit(
        spotting_form(client), **{**SHORT, "place": "Place 🙂 de la gare", **wrong}, status=422
    )
    assert said in page.errors()
    kept = page.form(holding="first_name").values
    for name, value in {**SHORT, **wrong}.items():
        if name not in ("channel", "qpv") and value.strip():
            assert kept[name].strip() == value, name
    assert people_of(world) == []


def test_dates_typed_in_french_survive_the_refusal_of_another_answer(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    client = client_of(world.member("referent", roubaix))
    day = today() - timedelta(days=3)
    wrong = {"birth_date": "31/02/1990", "spotted_on": (today() + timedelta(days=1)).isoformat()}
    page = client.submit(spotting_form(client), **{**SHORT, **wrong}, status=422)
    assert days_shown(page) == {
        "birth_date": ("text", "31/02/1990"),
        "spotted_on": ("date", wrong["spotted_on"]),
    }
    typed = {"birth_date": "12/03/1990", "spotted_on": f"{day:%d/%m/%Y}"}
    page = client.submit(page.form(holding="first_name"), **typed, phone="06 12", status=422)
    assert days_shown(page) == {"birth_date": ("date", "1990-03-12"), "spotted_on": ("date", day.isoformat())}
    client.submit(page.form(holding="first_name"), phone="06 12 34 56 78")
    (person,) = people_of(world)
    assert person.birth_date == date(1990, 3, 12)


def days_shown(page: Page) -> dict[str, tuple[str, str]]:
    """The kind of control of each day and what stands in it."""
    (birth_date,), (spotted_on,) = page.all("input", name="birth_date"), page.all("input", name="spotted_on")
    return {each["name"]: (each["type"], each["value"]) for each in (birth_date, spotted_on)}


@pytest.mark.parametrize(
    "way",
    [{"email": "N@Exemple.fr"}, {"reached_through": "le gardien"}, {"address": "3 rue de l’Alma", "qpv": ""}],
)
def test_any_one_way_of_reaching_is_enough(
    world: World, roubaix: Cite, client_of: ClientOf, way: dict[str, str]
) -> None:
    client = client_of(world.member("spotter", roubaix))
    client.submit(spotting_form(client, "Nadia"), **{**SHORT, **way})
    (person,) = people_of(world)
    assert person.phone is None and (person.email or person.reached_through or person.address)


def test_numbers_that_are_not_social_security_numbers_pass(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    client = client_of(world.member("spotter", roubaix))
    client.submit(
        spotting_form(client), **SHORT, first_need="Siret 73282932000074, rappeler au 07 98 76 54 32"
    )
    assert len(people_of(world)) == 1


# Duplicates


def test_likely_duplicates_are_shown_with_why_and_do_not_block(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    mine, other = (
        world.member("referent", roubaix),
        world.member("referent", roubaix, first_name="Julien", last_name="Petit"),
    )
    world.case(roubaix, first_name="Karim", last_name="Benali", phone="+33612345678", referent=other)
    world.case(
        roubaix,
        first_name="Nadya",
        last_name="Lefebvre",
        birth_date=today().replace(year=1990),
        referent=mine,
    )
    client = client_of(mine)
    form = spotting_form(client)
    shown = client.submit(form, **SHORT, birth_date=today().replace(year=1990).isoformat(), status=422)
    words = shown.main()
    assert "même téléphone" in words and "même date de naissance" in words and "nom très proche" in words
    assert "K… B…" in words and "Karim" not in words and "Julien Petit" in words and "Nadya Lefebvre" in words
    assert "Créer quand même" in words and len(people_of(world)) == 2
    client.submit(shown.form(holding="first_name"))
    assert len(people_of(world)) == 3


def test_a_look_alike_that_was_not_shown_is_shown_first(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    client = client_of(world.member("referent", roubaix))
    world.case(roubaix, first_name="Nadia", last_name="Lefebvre")
    shown = client.submit(spotting_form(client), **SHORT, status=422)
    world.case(roubaix, first_name="Nadia", last_name="Lefèbvre")
    again = client.submit(shown.form(holding="first_name"), status=422)
    assert "2 personnes ressemblent" in again.main()
    client.submit(again.form(holding="first_name"))


def test_duplicates_stay_in_their_cite(world: World, roubaix: Cite, client_of: ClientOf) -> None:
    world.case(world.cite("Calais"), first_name="Nadia", last_name="Lefebvre", phone="+33612345678")
    client = client_of(world.member("coordinator", roubaix))
    assert "/personnes/" in client.submit(spotting_form(client), **SHORT).location


def test_duplicates_show_while_typing(world: World, roubaix: Cite, client_of: ClientOf) -> None:
    world.case(roubaix, first_name="Nadia", last_name="Lefebvre", phone="+33612345678")
    client = client_of(world.member("coordinator", roubaix))
    typed = {
        "csrf_token": client.token(),
        "first_name": "Nadia",
        "phone": "0612345678",
        "birth_date": "31/02",
    }
    part = client.flask.post("/reperage/ressemblances", data=typed)
    assert part.status_code == 200 and "même téléphone" in part.text and "<html" not in part.text
    nothing = client.flask.post(
        "/reperage/ressemblances", data={"csrf_token": client.token(), "first_name": "Na"}
    )
    assert nothing.status_code == 200 and nothing.text.strip() == ""


# Sent twice


def test_the_same_form_sent_twice_creates_one_person(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    client = client_of(world.member("referent", roubaix))
    form = spotting_form(client)
    first, second = client.submit(form, **SHORT), client.submit(form, **SHORT)
    assert first.location == second.location and len(people_of(world)) == 1


@pytest.mark.parametrize("role", ["referent", "spotter"])
def test_the_same_form_sent_at_the_same_time_creates_one_person(
    world: World, roubaix: Cite, client_of: ClientOf, app: Flask, role: str
) -> None:
    member = world.member(role, roubaix)
    form = spotting_form(client_of(member))
    clients = [client_of(member) for _ in range(4)]
    values = [{**form.values, **SHORT, "csrf_token": client.token()} for client in clients]
    start, answers = threading.Barrier(4), []

    def send(client: PageClient, posted: dict[str, Any]) -> None:
        start.wait()
        answers.append(client.flask.post("/reperage", data=posted))

    threads = [threading.Thread(target=send, args=pair) for pair in zip(clients, values, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (person,) = people_of(world)
    where = "/personnes" if role == "spotter" else f"/personnes/{person.id}"
    assert [(a.status_code, a.location) for a in answers] == [(303, where)] * 4
    assert len(world.session.scalars(sa.select(Spotting)).all()) == 1


def test_somebody_else_s_form_is_asked_again(world: World, roubaix: Cite, client_of: ClientOf) -> None:
    one, two = client_of(world.member("referent", roubaix)), client_of(world.member("referent", roubaix))
    stolen = spotting_form(one).values["key"]
    for key in (stolen, "forged", ""):
        page = two.submit(spotting_form(two), **SHORT, key=key, status=422)
        assert "n’est plus valable" in page.errors() and people_of(world) == []
    two.submit(page.form(holding="first_name"))


def test_the_channel_used_last_comes_first(world: World, roubaix: Cite, client_of: ClientOf) -> None:
    client = client_of(world.member("spotter", roubaix))
    client.submit(spotting_form(client), **SHORT)
    assert spotting_form(client, "Karim Benali").values["channel"] == "pied_immeuble"


def test_only_quarters_of_the_perimeter_that_still_hold_are_offered(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    quarter(world, roubaix)
    quarter(world, roubaix, "Ancien quartier", valid_until=today() - timedelta(days=1))
    quarter(world, world.cite("Calais"), "Beau-Marais")
    form = spotting_form(client_of(world.member("spotter", roubaix)))
    offered = form.element.all("select", name="qpv")[0].text()
    assert "Habite en QPV Alma – Gare" in offered and "Ancien" not in offered and "Beau-Marais" not in offered


# Spotted again


@pytest.mark.parametrize("status", [Status.SORTI, Status.NON_ENTREE])
def test_a_closed_parcours_can_be_followed_by_a_new_one(
    world: World, roubaix: Cite, client_of: ClientOf, status: Status
) -> None:
    before, referent = world.member("referent", roubaix), world.member("referent", roubaix)
    case = world.case(roubaix, status=status, referent=before)
    world.assign(case.person, case.parcours, referent, kind="co_referent")
    client = client_of(referent)
    page = client.get(f"/personnes/{case.id}/parcours/nouveau")
    answer = client.submit(page.form(holding="channel"), channel="spontane")
    assert answer.location == f"/personnes/{case.id}"
    world.session.expire_all()
    parcours = world.session.scalars(
        sa.select(Parcours).where(Parcours.person_id == case.id).order_by(Parcours.created_at)
    ).all()
    assert [p.status for p in parcours] == [status, Status.REPERE]
    current = world.session.scalars(sa.select(Assignment).where(Assignment.ended_at.is_(None))).all()
    assert [(a.referent_id, a.parcours_id) for a in current] == [(referent.id, parcours[1].id)]
    assert client_of(before).get(f"/personnes/{case.id}/parcours/nouveau", status=404)
    again = client.submit(page.form(holding="channel"), channel="spontane")
    assert "déjà ouvert" in client.get("/reperage").text() and again.location == f"/personnes/{case.id}"


def test_a_spotter_too_follows_a_closed_parcours_with_a_new_one(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    spotter, before = world.member("spotter", roubaix), world.member("referent", roubaix)
    case = world.case(roubaix, status=Status.SORTI, referent=before, spotted_by=spotter)
    client = client_of(spotter)
    form = client.get(f"/personnes/{case.id}/parcours/nouveau").form(holding="channel")
    assert client.submit(form, channel="spontane").location == "/personnes"
    world.session.expire_all()
    ended = world.session.scalars(sa.select(Assignment)).one()
    assert ended.ended_at and (ended.ended_by_id, ended.end_reason) == (spotter.id, "Nouveau parcours")
    client_of(before).get(f"/personnes/{case.id}", status=404)


def test_a_new_parcours_cannot_precede_the_end_of_the_former(
    world: World, roubaix: Cite, client_of: ClientOf
) -> None:
    client = client_of(world.member("coordinator", roubaix))
    case = world.case(roubaix, status=Status.SORTI, days_ago=30)
    form = client.get(f"/personnes/{case.id}/parcours/nouveau").form(holding="channel")
    page = client.submit(
        form, channel="spontane", spotted_on=(today() - timedelta(days=29)).isoformat(), status=422
    )
    assert "précède la fin" in page.errors()


def test_new_parcours_is_for_those_who_may_open_the_file(
    world: World, roubaix: Cite, client_of: ClientOf, client: PageClient
) -> None:
    case = world.case(roubaix, status=Status.SORTI, referent=world.member("referent", roubaix))
    url = f"/personnes/{case.id}/parcours/nouveau"
    for role in ("referent", "spotter"):
        client_of(world.member(role, roubaix)).get(url, status=404)
    client_of(world.member("coordinator", world.cite("Calais"))).get(url, status=404)
    client_of(world.member("funder", roubaix)).get(url, status=403)
    assert client.get(url, status=303).location.startswith("/connexion")
