"""Lists read and completed: who may, what the database refuses, what a Cité sees of its own."""

import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from data_inclusion.schema import v1
from flask import Flask

from cityjobs.core.db import Actor, act_as, db
from cityjobs.core.forms import Form, ItemField, ItemsField
from cityjobs.core.permissions import Role
from cityjobs.vocabulary.actions import AdditionRefused, add_item
from cityjobs.vocabulary.models import ListItem
from cityjobs.vocabulary.queries import labels_of, read_lists
from cityjobs.vocabulary.rules import COMPLETED_BY_CITES, Item, ListName
from tests.conftest import Databases
from tests.manners import PageClient
from tests.world import Member, World

SignIn = Callable[[Any], PageClient]
LISTS = "/administration/listes"
READERS = (Role.REFERENT, Role.COORDINATOR, Role.SPOTTER)


@pytest.fixture
def coordinator(world: World) -> Member:
    return world.member(Role.COORDINATOR, world.cite("Roubaix"))


@pytest.fixture
def page_of(coordinator: Member, client_of: SignIn) -> PageClient:
    return client_of(coordinator)


@pytest.fixture
def asking(app: Flask) -> Iterator[Callable[[Member], None]]:
    with app.test_request_context():
        yield lambda member: act_as(Actor(member.id, member.role.value, member.cite.id))
        db.session.rollback()


def local(world: World, member: Member, name: ListName, label: str, **facts: Any) -> ListItem:
    item = ListItem(
        id=uuid.uuid4(), list=name, label=label, cite_id=member.cite.id, created_by_id=member.id,
        **{"code": f"loc_{uuid.uuid4().hex[:8]}", **facts},
    )  # fmt: skip
    world.keep(item)
    return item


def rows(databases: Databases, query: str, *given: Any) -> list[Any]:
    return databases.superuser.execute(query, given or None).fetchall()


# Who


@pytest.mark.parametrize("role", list(Role))
def test_who_reads_and_who_completes(role: Role, world: World, client_of: SignIn) -> None:
    client = client_of(world.member(role, world.cite()))
    for url in (LISTS, f"{LISTS}/frein", f"{LISTS}/secteur"):
        client.get(url, status=200 if role in READERS else 403)
    client.post(
        f"{LISTS}/secteur", {"label": "Espaces verts"}, status=303 if role is Role.COORDINATOR else 403
    )


def test_somebody_not_signed_in_is_sent_to_sign_in(client: PageClient) -> None:
    for url in (LISTS, f"{LISTS}/frein", "/metiers?q=boulanger"):
        assert "/connexion" in client.get(url, status=303).location


# Reading


def test_every_list_is_there_with_its_codes(page_of: PageClient) -> None:
    page = page_of.get(LISTS)
    for name in ListName:
        assert f"{LISTS}/{name}" in page.links().values()
        assert page_of.get(f"{LISTS}/{name}").all("code")
    freins = page_of.get(f"{LISTS}/frein").main()
    for shown in (
        "garde_enfant_famille",
        "lecture-ecriture-calcul",
        "France Travail",
        "data·inclusion",
        "Sensible",
    ):
        assert shown in freins
    page_of.get(f"{LISTS}/inconnue", status=404)


def test_a_list_that_figures_stand_on_offers_no_addition(page_of: PageClient) -> None:
    assert "la même dans toutes les Cités" in page_of.get(f"{LISTS}/frein").text()
    page_of.post(f"{LISTS}/frein", {"label": "Autre"}, status=404)


def test_outside_codes_of_freins_exist_in_the_schema_of_data_inclusion(databases: Databases) -> None:
    known = {each.value for each in v1.Categorie} | {each.value for each in v1.Thematique}
    told = rows(
        databases,
        "select code, outside_codes ->> 'di' from list_item where list = 'frein' and cite_id is null",
    )
    assert len(told) == 12
    assert [code for code, slug in told if slug not in known] == []
    others = rows(databases, "select outside_codes ->> 'di' from list_item where outside_codes ? 'di'")
    assert [slug for (slug,) in others if slug not in known] == []


def test_lines_offered_are_active_ones_of_the_nation_and_of_the_cite_in_order(
    world: World, coordinator: Member, asking: Callable[[Member], None], count_queries: Callable[[], Any]
) -> None:
    elsewhere = world.member(Role.COORDINATOR, world.cite("Calais"))
    local(world, coordinator, ListName.SECTEUR, "Propreté urbaine", code="loc_b", rank=2)
    local(world, coordinator, ListName.SECTEUR, "Réemploi", code="loc_a", rank=1)
    local(world, coordinator, ListName.SECTEUR, "Abandonné", code="loc_c", is_active=False)
    local(world, elsewhere, ListName.SECTEUR, "Pêche", code="loc_peche")
    asking(coordinator)
    with count_queries() as statements:
        lists = read_lists(ListName.SECTEUR, ListName.TYPE_CONTRAT, ListName.FREIN)
        labels = labels_of(ListName.SECTEUR, ListName.TYPE_CONTRAT)
    assert len(statements) == 2
    codes = [item.code for item in lists.offered(ListName.SECTEUR)]
    assert codes[0] == "agriculture" and codes[-2:] == ["loc_a", "loc_b"]
    assert "loc_c" not in codes and "loc_peche" not in codes
    assert "emploi_franc" not in [item.code for item in lists.offered(ListName.TYPE_CONTRAT)]
    assert labels[ListName.SECTEUR]["loc_c"] == "Abandonné"
    assert labels[ListName.TYPE_CONTRAT]["emploi_franc"].startswith("Emploi franc")
    assert "loc_peche" not in labels[ListName.SECTEUR]
    assert [item.code for item in lists.offered(ListName.FREIN) if item.is_sensitive] == [
        "sante", "administratif_juridique", "discrimination",
    ]  # fmt: skip
    said = read_lists(ListName.TYPE_ETAPE, ListName.OBJECTIF)
    about = [*said.offered(ListName.TYPE_ETAPE), *said.offered(ListName.OBJECTIF)]
    assert [item.code for item in about if item.is_sensitive] == [
        "dossier_mdph_rqth", "acces_soins", "soutien_psy", "budget_surendettement", "regularisation_droit_travail",
        "acces_droits_soins", "comportements_sante", "problematique_judiciaire",
    ]  # fmt: skip
    under = read_lists(ListName.SITUATION).offered(ListName.SITUATION, "discrimination")
    assert [item.code for item in under] == ["refus_repetes", "adresse_stigmatisee"]


# Completing


def test_a_line_is_added_set_aside_taken_back_and_moved(
    page_of: PageClient, coordinator: Member, databases: Databases
) -> None:
    url = f"{LISTS}/situation"
    for label in ("Pas de vélo", "Trottinette refusée dans le train"):
        page_of.submit(page_of.get(url).form(holding="label"), label=label, parent="mobilite")
    page = page_of.get(url)
    assert "loc_pas_de_velo" in page.text() and "Votre Cité" in page.text()
    saved = "select id, rank, is_active, cite_id, created_by_id, parent from list_item where cite_id is not null order by rank"
    first, second = rows(databases, saved)
    assert first[2:] == (True, coordinator.cite.id, coordinator.id, "mobilite")
    page_of.post(f"{url}/{second[0]}/deplacer", {"sens": "haut"})
    assert [row[0] for row in rows(databases, saved)] == [second[0], first[0]]
    page_of.post(f"{url}/{second[0]}/deplacer", {"sens": "haut"})
    page_of.post(f"{url}/{second[0]}/deplacer", {"sens": "bas"})
    assert [row[0] for row in rows(databases, saved)] == [first[0], second[0]]
    page_of.post(f"{url}/{first[0]}/ecarter")
    assert "Plus proposée" in page_of.get(url).text()
    refused = page_of.submit(
        page_of.get(url).form(holding="label"), label="Pas de vélo", parent="mobilite", status=422
    )
    assert "reprenez-la" in refused.errors()
    page_of.post(f"{url}/{first[0]}/deplacer", {"sens": "haut"})
    page_of.post(f"{url}/{first[0]}/reprendre")
    assert rows(databases, "select count(*) from list_item where cite_id is not null and is_active") == [(2,)]


@pytest.mark.parametrize(
    ("label", "parent", "sentence"),
    [
        ("", "mobilite", "Écrivez la réponse"),
        ("x" * 121, "mobilite", "limité à 120"),
        ("😀", "mobilite", "au moins un mot"),
        ("Sans voiture", "", "Choisissez sous quelle ligne"),
        ("Sans voiture", "inconnu", "n’existe pas dans la liste"),
        ("Diabète", "sante", "n’existe pas dans la liste"),
        ("Logement insalubre", "logement", "déjà dans la liste"),
        ("2 85 03 59 512 045 28", "logement", "numéro de sécurité sociale"),
    ],
)
def test_bad_answers_are_refused_and_kept_on_the_page(
    page_of: PageClient, databases: Databases, label: str, parent: str, sentence: str
) -> None:
    form = page_of.get(f"{LISTS}/situation").form(holding="label")
    page = page_of.submit(form, label=label, parent=parent, status=422)
    assert sentence in page.errors()
    assert page.form(holding="label").values["label"] == label
    assert rows(databases, "select count(*) from list_item where cite_id is not null") == [(0,)]


@pytest.mark.parametrize("label", ["dépression", "Dépressions", "DEPRESSION !", "bracelet  électronique"])
def test_a_sensitive_word_of_the_nation_is_not_admitted(
    page_of: PageClient, databases: Databases, label: str
) -> None:
    form = page_of.get(f"{LISTS}/mot_sensible").form(holding="label")
    page = page_of.submit(form, label=label, parent="mots_admis", status=422)
    assert "Écrivez l’expression entière" in page.errors()
    assert rows(databases, "select count(*) from list_item where cite_id is not null") == [(0,)]
    page_of.submit(form, label="dépression du relief", parent="mots_admis")


def test_a_line_under_a_sensitive_one_is_sensitive(page_of: PageClient, databases: Databases) -> None:
    form = page_of.get(f"{LISTS}/situation").form(holding="label")
    page_of.submit(form, label="Courriers non ouverts", parent="administratif_juridique")
    assert rows(databases, "select is_sensitive from list_item where cite_id is not null") == [(True,)]


def test_lines_of_the_nation_of_another_list_and_of_another_cite_are_out_of_reach(
    page_of: PageClient, world: World, coordinator: Member, databases: Databases
) -> None:
    theirs = local(world, world.member(Role.COORDINATOR, world.cite("Calais")), ListName.SECTEUR, "Pêche")
    mine = local(world, coordinator, ListName.SECTEUR, "Réemploi")
    (national,) = rows(databases, "select id from list_item where list = 'secteur' and code = 'commerce'")
    for item, name in (
        (theirs.id, "secteur"),
        (national[0], "secteur"),
        (mine.id, "situation"),
        (uuid.uuid4(), "secteur"),
    ):
        for gesture in ("ecarter", "reprendre", "deplacer"):
            page_of.post(f"{LISTS}/{name}/{item}/{gesture}", status=404)
    assert rows(
        databases, "select count(*) from list_item where not is_active and code <> 'emploi_franc'"
    ) == [(0,)]


def test_the_same_label_added_in_one_instant_makes_one_line(
    built_app: Flask, coordinator: Member, databases: Databases
) -> None:
    ready, told = threading.Barrier(2), []

    def add() -> None:
        with built_app.test_request_context():
            act_as(Actor(coordinator.id, "coordinator", coordinator.cite.id))
            db.session.connection()
            ready.wait()
            try:
                add_item(ListName.SECTEUR, "Réemploi", None, cite_id=coordinator.cite.id, by=coordinator.id)
                db.session.commit()
                told.append("added")
            except AdditionRefused as refused:
                db.session.rollback()
                told.append(str(refused))

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(told) == ["Cette réponse est déjà dans la liste.", "added"]
    assert rows(databases, "select code from list_item where cite_id is not null") == [("loc_reemploi",)]


# What the database keeps

KEPT = [
    "update list_item set label = 'Autre nom' where id = %s",
    "update list_item set code = 'loc_autre' where id = %s",
    "update list_item set list = 'motif_abandon' where id = %s",
    "update list_item set parent = 'x' where id = %s",
    "delete from list_item where id = %s",
]


@pytest.mark.parametrize("statement", KEPT)
def test_nobody_renames_reuses_or_removes_a_line(
    statement: str, world: World, coordinator: Member, databases: Databases
) -> None:
    mine = local(world, coordinator, ListName.SECTEUR, "Réemploi")
    with databases.connected_as("cityjobs_owner") as owner:
        with pytest.raises(psycopg.errors.RestrictViolation), owner.transaction():
            owner.execute(statement, (mine.id,))
        owner.execute("alter table list_item disable trigger list_item_is_kept")
        assert owner.execute(statement, (mine.id,)).rowcount == 1, "the guard was not what refused"


def test_the_web_renames_nothing_adds_nothing_national_and_nothing_elsewhere(
    world: World, coordinator: Member, databases: Databases
) -> None:
    mine, there = local(world, coordinator, ListName.SECTEUR, "Réemploi"), world.cite("Calais")
    added = "insert into list_item (list, code, cite_id, label, created_by_id) values ('secteur', %s, %s, 'x', %s)"
    for role, code, cite_id in (
        ("coordinator", "neuf", None), ("coordinator", "loc_neuf", there.id), ("referent", "loc_neuf", coordinator.cite.id),
    ):  # fmt: skip
        with databases.connected_as(
            "cityjobs_web", user_id=coordinator.id, role=role, cite_id=coordinator.cite.id
        ) as web:
            with pytest.raises(psycopg.errors.InsufficientPrivilege), web.transaction():
                web.execute(added, (code, cite_id, coordinator.id))
            with pytest.raises(psycopg.errors.InsufficientPrivilege), web.transaction():
                web.execute("update list_item set label = 'x' where id = %s", (mine.id,))
            national = web.execute("update list_item set is_active = false where cite_id is null")
            assert national.rowcount == 0


# Fields


class Asked(Form):
    """One line, and several."""

    one = ItemField("Secteur")
    many = ItemsField("Situations")


SECTORS = [
    Item(ListName.SECTEUR, "a", "Agriculture"),
    Item(ListName.SECTEUR, "b", "Bâtiment"),
    Item(ListName.SECTEUR, "old", "Mines", is_active=False),
]


@pytest.mark.parametrize(
    ("one", "many", "kept", "said"),
    [
        ("a", ["b", "a", "b"], None, ""),
        ("", [], None, ""),
        ("old", [], None, "« Mines » n’est plus proposé"),
        ("old", ["old"], "old", ""),
        ("x", [], None, "n’existe pas dans la liste"),
        ("", ["a", "old"], None, "« Mines » n’est plus proposé"),
        ("", ["a", "x" * 20_000], None, "n’existe pas dans la liste"),
    ],
)
def test_only_lines_offered_or_kept_are_accepted(
    app: Flask, one: str, many: list[str], kept: str | None, said: str
) -> None:
    with app.test_request_context(method="POST", data={"one": one, "many": many}):
        form = Asked(meta={"csrf": False})
        form.one.offer(SECTORS, kept=kept)
        form.many.offer(SECTORS, kept=[kept] if kept else [])
        accepted = form.accepted()
        errors = " ".join(str(each) for every in form.errors.values() for each in every).replace(
            "\u00a0", " "
        )
        assert accepted == (not said)
        assert said in errors
        if accepted:
            assert form.one.data == (one or None)
            assert form.many.data == sorted(set(many))


def test_every_list_completed_by_cites_is_one(
    app: Flask, asking: Callable[[Member], None], coordinator: Member
) -> None:
    asking(coordinator)
    lists = read_lists(*COMPLETED_BY_CITES)
    assert all(lists.offered(name) for name in COMPLETED_BY_CITES)
