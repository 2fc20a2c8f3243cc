"""Who works in a Cité, kept by its administrator; and what the database refuses whatever the pages do."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from cityjobs.accounts.models import AccountLink, Membership, User
from cityjobs.accounts.rules import LinkPurpose
from cityjobs.core.clock import today
from cityjobs.core.permissions import Role
from tests.accounts import HASH
from tests.accounts.conftest import House
from tests.conftest import Databases, Letterbox
from tests.manners import Page, PageClient
from tests.world import Member, World

LIST = "/administration/comptes"


@pytest.fixture
def admin(house: House, client_of: Any) -> PageClient:
    client: PageClient = client_of(house.administrator)
    return client


@pytest.fixture
def outsider(world: World) -> Member:
    return world.member(
        "referent", world.cite("Calais"), first_name="Zoé", last_name="Delattre", password_hash=HASH
    )


def invite(client: PageClient, *, status: int = 303, **typed: Any) -> Page:
    form = client.get(f"{LIST}/inviter").form("/inviter")
    organisations = [option["value"] for option in form.element.all("option") if len(option["value"]) == 36]
    said = {
        "email": "lea.morel@cite.example",
        "first_name": "Léa",
        "last_name": "Morel",
        "role": "referent",
        "organisation": organisations[0],
        **typed,
    }
    return client.submit(form, status=status, **said)


def missions(world: World, email: str) -> list[Membership]:
    world.session.rollback()
    world.session.expire_all()
    theirs = sa.select(Membership).join(User).where(User.email == email).order_by(Membership.role)
    return list(world.session.scalars(theirs))


# Inviting


def test_somebody_new_is_invited_here_and_told_by_letter(
    house: House, admin: PageClient, world: World, deliver: Callable[[], Letterbox]
) -> None:
    answer = invite(admin, email=" Lea.Morel@Cite.example", capacity="45")
    page = admin.follow(answer)
    assert "L’invitation part" in page.text() and "Léa Morel" in page.main()
    (mission,) = missions(world, "lea.morel@cite.example")
    assert (mission.cite_id, mission.role, mission.capacity, mission.started_on) == (
        house.cite.id,
        "referent",
        45,
        today(),
    )
    assert mission.user.password_hash is None
    assert "Roubaix" in deliver().to("lea.morel@cite.example")[0].text
    assert "ouverte jusqu’au" in page.main() and "Relancer" in page.main()


def test_an_invitation_sent_twice_invites_once(
    admin: PageClient, world: World, deliver: Callable[[], Letterbox]
) -> None:
    form = admin.get(f"{LIST}/inviter").form("/inviter")
    organisation = next(o["value"] for o in form.element.all("option") if len(o["value"]) == 36)
    said = {"email": "lea.morel@cite.example", "first_name": "Léa", "last_name": "Morel", "role": "referent"}
    answers = [admin.submit(form, **said, organisation=organisation) for _ in range(2)]
    assert answers[0].location == answers[1].location
    assert len(missions(world, "lea.morel@cite.example")) == 1
    assert len(deliver().to("lea.morel@cite.example")) == 1


def test_an_invitation_sent_twice_in_the_same_instant_invites_once(
    house: House, client_of: Any, world: World, deliver: Callable[[], Letterbox]
) -> None:
    clients = [client_of(house.administrator) for _ in range(6)]
    form = clients[0].get(f"{LIST}/inviter").form("/inviter")
    chosen = next(o["value"] for o in form.element.all("option") if len(o["value"]) == 36)
    said = {"email": "lea.morel@cite.example", "first_name": "Léa", "last_name": "Morel", "role": "referent"}
    key = {"membership": form.values["membership"], "organisation": chosen}
    start = threading.Barrier(len(clients))

    def send(client: PageClient) -> None:
        start.wait()
        client.post(f"{LIST}/inviter", {**said, **key})

    threads = [threading.Thread(target=send, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(missions(world, "lea.morel@cite.example")) == 1
    assert len(deliver().to("lea.morel@cite.example")) == 1


def test_an_open_account_gains_a_mission_and_keeps_its_name_and_password(
    house: House, admin: PageClient, world: World, outsider: Member, deliver: Callable[[], Letterbox]
) -> None:
    invite(
        admin,
        email=outsider.user.email,
        first_name="Autre",
        last_name="Nom",
        role="coordinator",
        capacity="9",
    )
    here, there = missions(world, outsider.user.email)
    assert (here.cite_id, here.role, here.capacity) == (house.cite.id, "coordinator", None)
    assert there.ended_on is None
    assert (here.user.display_name, here.user.password_hash) == ("Zoé Delattre", HASH)
    (letter,) = deliver().to(outsider.user.email)
    assert "Coordination, Roubaix" in letter.text and "/compte" in letter.text
    assert "Delattre" not in letter.subject


def test_a_disabled_account_comes_back_with_a_new_password(
    admin: PageClient, world: World, outsider: Member, deliver: Callable[[], Letterbox]
) -> None:
    outsider.user.disabled_at = datetime.now(UTC)
    world.session.commit()
    invite(admin, email=outsider.user.email)
    user = missions(world, outsider.user.email)[0].user
    assert user.disabled_at is None and user.password_hash is None
    assert "/invitation/" in deliver().to(outsider.user.email)[0].text


def test_the_same_role_is_not_given_twice(house: House, admin: PageClient) -> None:
    assert "déjà ce rôle" in invite(admin, email=house.referent.user.email, status=422).errors()


def test_an_administrator_gives_no_role_to_themselves(house: House, admin: PageClient, world: World) -> None:
    for email in (house.administrator.user.email, house.administrator.user.email.upper()):
        page = invite(admin, email=email, role="coordinator", status=422)
        assert "à soi-même" in page.errors()
    assert len(missions(world, house.administrator.user.email)) == 1


def test_only_the_organisations_of_the_collective_are_offered_and_taken(
    house: House, admin: PageClient, outsider: Member, world: World
) -> None:
    theirs = str(outsider.membership.organisation_id)
    assert theirs not in admin.get(f"{LIST}/inviter").response.get_data(as_text=True)
    assert "n’existe pas dans la liste" in invite(admin, organisation=theirs, status=422).errors()
    assert missions(world, "lea.morel@cite.example") == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"email": "lea"}, "n’est pas valable"),
        ({"first_name": ""}, "Indiquez le prénom"),
        ({"role": ""}, "Choisissez un rôle"),
        ({"role": "owner"}, "n’existe pas dans la liste"),
        ({"capacity": "0"}, "entre 1 et 500"),
        ({"capacity": "beaucoup"}, "entre 1 et 500"),
    ],
)
def test_what_is_missing_is_said(admin: PageClient, typed: dict[str, str], said: str) -> None:
    assert said in invite(admin, status=422, **typed).errors()


def test_inviting_again_replaces_the_invitation(
    house: House, admin: PageClient, world: World, waiting: Any
) -> None:
    invite(admin)
    (mission,) = missions(world, "lea.morel@cite.example")
    assert "nouvelle invitation" in admin.follow(admin.post(f"{LIST}/{mission.id}/relancer")).text()
    assert len(waiting("invitation")) == 2
    usable = sa.select(sa.func.count()).select_from(AccountLink).where(AccountLink.used_at.is_(None))
    assert world.session.execute(usable).scalar_one() == 1
    page = admin.follow(admin.post(f"{LIST}/{house.referent.membership.id}/relancer"))
    assert "déjà ouvert" in page.text()
    assert len(waiting("invitation")) == 2


# Ending


def test_ending_a_mission_names_what_is_lost_then_takes_effect_at_once(
    house: House, admin: PageClient, world: World, client_of: Any
) -> None:
    theirs = client_of(house.referent)
    theirs.get("/personnes")
    for _ in range(2):
        world.case(house.cite, referent=house.referent)
    path = f"{LIST}/{house.referent.membership.id}/terminer"
    page = admin.get(path)
    for said in (
        "Samira Lahlou",
        "Roubaix",
        "Référent de parcours",
        "son suivi de 2 personnes",
        "reste dans les dossiers",
    ):
        assert said in page.main(), said
    assert missions(world, house.referent.user.email)[0].ended_on is None
    assert "est terminée" in admin.follow(admin.submit(page.form("/terminer"))).text()
    theirs.get("/personnes", status=403)
    assert "Aucune mission en cours" in theirs.get("/compte").main()
    admin.get(path, status=404)
    admin.post(path, status=404)


def test_nobody_ends_their_own_mission_or_shuts_their_own_account(
    house: House, admin: PageClient, world: World
) -> None:
    for what in ("terminer", "desactiver"):
        path = f"{LIST}/{house.administrator.membership.id}/{what}"
        assert "votre propre mission" in admin.follow(admin.post(path)).text()
        admin.get(path, status=303)
    admin.get(LIST)


def test_an_account_without_another_cite_can_be_shut(
    house: House, admin: PageClient, world: World, client_of: Any, signing_in: Callable[..., Page]
) -> None:
    theirs = client_of(house.referent)
    mission = admin.get(f"{LIST}/{house.referent.membership.id}/terminer")
    page = admin.get(mission.links()["Désactiver plutôt son compte"])
    assert "toutes les missions" in page.main() and "ses sessions ouvertes" in page.main()
    admin.submit(page.form("/desactiver"))
    theirs.get("/compte", status=303)
    signing_in(house.referent.user.email, status=422)
    (mission,) = missions(world, house.referent.user.email)
    assert mission.ended_on == today() and mission.user.disabled_at is not None
    ended = admin.get(f"{LIST}?etat=termines").main()
    assert "Samira Lahlou" in ended and "compte désactivé" in ended


def test_an_account_that_works_elsewhere_is_not_shut_from_here(
    house: House, admin: PageClient, world: World, outsider: Member
) -> None:
    here = world.also(outsider.user, "partner", house.cite)
    path = f"{LIST}/{here.membership.id}/desactiver"
    assert "aussi dans une autre Cité" in admin.follow(admin.post(path)).text()
    world.session.refresh(outsider.user)
    assert outsider.user.disabled_at is None
    assert "Désactiver" not in admin.get(f"{LIST}/{here.membership.id}/terminer").main()


# The list


def names(page: Page) -> list[str]:
    return [row.all("span", class_="who")[0].text() for body in page.all("tbody") for row in body.all("tr")]


def test_the_list_holds_this_cite_alone_in_french_order(
    house: House, admin: PageClient, world: World, outsider: Member
) -> None:
    world.member("partner", house.cite, first_name="Émile", last_name="Étienne", password_hash=HASH)
    world.member("partner", house.cite, first_name="Zoé", last_name="d’Halluin", password_hash=HASH)
    assert names(admin.get(LIST)) == ["Zoé d’Halluin", "Émile Étienne", "Samira Lahlou", "Denis Wattel"]


def test_the_list_is_searched_and_filtered_in_its_url(house: House, admin: PageClient, world: World) -> None:
    mission_locale = world.organisation(house.cite, "Mission locale d’Hem")
    world.member(
        "partner",
        house.cite,
        first_name="Émile",
        last_name="Étienne",
        password_hash=HASH,
        organisation_id=mission_locale.id,
    )
    world.member("spotter", house.cite, first_name="Léa", last_name="Morel")
    for query, found in (
        ("q=etienne+emi", ["Émile Étienne"]),
        ("q=mission+locale", ["Émile Étienne"]),
        ("q=SAMIRA.lahlou@cite", ["Samira Lahlou"]),
        ("role=referent", ["Samira Lahlou"]),
        ("role=referent&q=wattel", []),
        ("etat=invites", ["Léa Morel"]),
        ("etat=n-importe&role=quoi", ["Émile Étienne", "Samira Lahlou", "Denis Wattel"]),
        ("q=%25", []),
    ):
        assert names(admin.get(f"{LIST}?{query}")) == found, query
    page = admin.get(f"{LIST}?q=lea")
    assert "Personne ici" in page.main()
    assert "Invités, compte à ouvrir 1" in page.main() and "En poste 0" in page.main()


def test_an_invitation_that_expired_is_seen(house: House, admin: PageClient, world: World) -> None:
    member = world.member("spotter", house.cite)
    world.keep(
        AccountLink(
            user_id=member.id,
            purpose=LinkPurpose.INVITATION,
            expires_at=datetime.now(UTC) - timedelta(days=1),
        )
    )
    assert "invitation expirée" in admin.get(f"{LIST}?etat=invites").main()


@pytest.mark.parametrize("many", [1, 20, 200])
def test_the_list_asks_the_same_of_the_database_whatever_its_size(
    house: House, admin: PageClient, world: World, count_queries: Any, many: int
) -> None:
    users = [
        User(
            id=uuid.uuid4(),
            email=f"p{number}@cite.example",
            first_name="Paul",
            last_name=f"Petit{number:03}",
            password_hash=HASH,
        )
        for number in range(many)
    ]
    world.keep(*users)
    world.keep(
        *(
            Membership(
                user_id=user.id,
                organisation_id=house.cite.chef_de_file_id,
                cite_id=house.cite.id,
                role=Role.PARTNER,
                started_on=today(),
            )
            for user in users
        )
    )
    with count_queries() as statements:
        page = admin.get(LIST)
    assert len(statements) == 3, statements
    assert len(names(page)) == min(many + 2, 30)
    if many == 200:
        assert names(admin.get(f"{LIST}?page=7"))[-1] == "Denis Wattel"
        assert names(admin.get(f"{LIST}?page=999")) == names(admin.get(f"{LIST}?page=7"))


# Who may


@pytest.mark.parametrize("what", ["", "/inviter", "/{id}/terminer", "/{id}/desactiver", "/{id}/relancer"])
def test_only_the_administrator_and_only_here(
    house: House, admin: PageClient, client: PageClient, client_of: Any, outsider: Member, what: str
) -> None:
    path = LIST + what.format(id=house.referent.membership.id)
    for role_holder in (house.referent,):
        refused = client_of(role_holder)
        (refused.post if "relancer" in what else refused.get)(path, status=403)
    if "relancer" not in what:
        assert client.get(path, status=303).location.startswith("/connexion?suite=/administration/comptes")
    if "{id}" in what:
        elsewhere = LIST + what.format(id=outsider.membership.id)
        admin.post(elsewhere, status=404)
        if "relancer" not in what:
            admin.get(elsewhere, status=404)


def test_accounts_stand_in_the_rail_of_the_administrator_alone(
    house: House, admin: PageClient, client_of: Any
) -> None:
    rail = admin.get(LIST).all("nav", id="navigation")[0]
    assert [link["href"] for link in rail.all("a", aria_current="page")] == [LIST]
    assert LIST not in client_of(house.referent).get("/aide").links().values()


# The database's own refusals

GIVE = (
    "insert into membership (id, user_id, organisation_id, cite_id, role, started_on)"
    " values (gen_random_uuid(), %(user)s, %(organisation)s, %(cite)s, 'coordinator', current_date)"
)


def test_the_database_lets_an_administrator_give_rights_to_others_in_their_cite_and_nothing_more(
    house: House, outsider: Member, databases: Databases
) -> None:
    def give(role: str, user: Member, cite_id: uuid.UUID) -> None:
        with databases.connected_as(
            "cityjobs_web", user_id=house.administrator.id, role=role, cite_id=house.cite.id
        ) as connection:
            connection.execute(
                GIVE, {"user": user.id, "organisation": house.cite.chef_de_file_id, "cite": cite_id}
            )

    give("administrator", house.referent, house.cite.id)
    for role, user, cite_id in (
        ("administrator", house.referent, outsider.cite.id),
        ("administrator", house.administrator, house.cite.id),
        ("coordinator", house.referent, house.cite.id),
        ("nobody", house.referent, house.cite.id),
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            give(role, user, cite_id)


def test_the_database_lets_an_administrator_end_missions_of_their_cite_alone(
    house: House, outsider: Member, databases: Databases
) -> None:
    for member, rows in ((house.referent, 1), (house.administrator, 0), (outsider, 0)):
        with databases.connected_as(
            "cityjobs_web", user_id=house.administrator.id, role="administrator", cite_id=house.cite.id
        ) as connection:
            ended = connection.execute(
                "update membership set ended_on = current_date where id = %s", (member.membership.id,)
            )
            assert ended.rowcount == rows, member.user.display_name


def test_how_many_somebody_follows_is_told_to_the_administrator_of_the_cite_alone(
    house: House, outsider: Member, world: World, databases: Databases
) -> None:
    world.case(house.cite, referent=house.referent)
    world.case(outsider.cite, referent=outsider)
    for role, member, count in (
        ("administrator", house.referent, 1),
        ("administrator", outsider, 0),
        ("partner", house.referent, 0),
    ):
        with databases.connected_as(
            "cityjobs_web", user_id=house.administrator.id, role=role, cite_id=house.cite.id
        ) as connection:
            told = connection.execute("select app.count_followed_by(%s)", (member.id,)).fetchone()
            assert told == (count,)
