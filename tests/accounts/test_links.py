"""Links sent by e-mail: once, for a while, for one purpose, and never a secret at rest."""

import hashlib
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from cityjobs.accounts.links import link_in, path_of
from cityjobs.accounts.models import AccountLink, SignInSession, User
from cityjobs.accounts.rules import LinkPurpose
from cityjobs.core.outbox import Outgoing
from tests.accounts import OTHER, PASSWORD
from tests.accounts.conftest import House
from tests.conftest import Letterbox
from tests.manners import Page, PageClient
from tests.world import Member, World

Deliver = Callable[[], Letterbox]
ME = "samira.lahlou@cite.example"
NEW = "lea.morel@cite.example"


def path_in(text: str) -> str:
    found = re.search(r"http://localhost(/\S+)", text)
    assert found
    return found[1]


def path_of_invitation(app: Flask, world: World, member: Member) -> str:
    link = AccountLink(
        user_id=member.id,
        purpose=LinkPurpose.INVITATION,
        expires_at=datetime.now(UTC) + timedelta(days=7),
    )
    world.keep(link)
    return path_of(link.id, LinkPurpose.INVITATION, app.config["SECRET_KEY"])


@pytest.fixture
def newcomer(house: House, world: World) -> Member:
    return world.member("referent", house.cite, first_name="Léa", last_name="Morel", email=NEW)


def choose(
    client: PageClient, path: str, password: str = OTHER, *, status: int = 303, repeated: str | None = None
) -> Page:
    form = client.get(path).form(path)
    return client.submit(form, password=password, repeated=repeated or password, status=status)


# Invitations


def test_an_invitation_opens_the_account_and_signs_in(
    house: House,
    newcomer: Member,
    client_of: Any,
    client: PageClient,
    deliver: Deliver,
    waiting: Any,
    signing_in: Any,
) -> None:
    client_of(house.administrator).post(f"/administration/comptes/{newcomer.membership.id}/relancer")
    (row,) = waiting("invitation")
    assert set(row.facts) == {"link_id"}
    (letter,) = deliver().to(NEW)
    assert "Léa" not in letter.subject and "Morel" not in letter.subject
    path = path_in(letter.text)
    assert path in letter.html and row.facts["link_id"] not in path

    page = client.get(path)
    for said in ("Léa", NEW, "Référent de parcours", "Roubaix", "7 mots", "2022-100"):
        assert said in page.main(), said
    assert choose(client, path).location == "/"
    assert "Léa Morel" in client.get("/compte").text()
    signing_in(NEW, OTHER)


def test_a_weak_or_mistyped_password_is_refused_on_the_page(
    app: Flask, newcomer: Member, world: World, client: PageClient
) -> None:
    path = path_of_invitation(app, world, newcomer)
    assert "12 caractères" in choose(client, path, "court", status=422).errors()
    assert "votre nom" in choose(client, path, "Morel-Briques-26", status=422).errors()
    assert "pas les mêmes" in choose(client, path, repeated="Autre-Briques-26", status=422).errors()
    choose(client, path)


@pytest.mark.parametrize("spoil", ["used", "expired", "disabled", "signature", "purpose", "nonsense"])
def test_a_link_that_is_no_longer_good_says_what_to_do(
    app: Flask, newcomer: Member, world: World, client: PageClient, spoil: str
) -> None:
    path = path_of_invitation(app, world, newcomer)
    client.get(path)
    past = datetime.now(UTC) - timedelta(seconds=1)
    if spoil == "used":
        world.session.execute(sa.update(AccountLink).values(used_at=past))
    elif spoil == "expired":
        world.session.execute(sa.update(AccountLink).values(expires_at=past))
    elif spoil == "disabled":
        world.session.execute(sa.update(User).where(User.email == NEW).values(disabled_at=past))
    elif spoil == "signature":
        path = path[:-2] + ("aa" if path[-2:] != "aa" else "bb")
    elif spoil == "purpose":
        path = path.replace("/invitation/", "/reinitialisation/")
    else:
        path = "/invitation/é.x.y"
    world.session.commit()
    page = client.get(path, status=410)
    assert "Ce lien ne sert plus" in page.main() and "Recevoir un nouveau lien" in page.main()
    client.post(path, {"password": OTHER, "repeated": OTHER}, status=410)
    world.session.expire_all()
    assert world.session.execute(sa.select(User.password_hash).where(User.email == NEW)).scalar_one() is None


def test_what_was_signed_for_one_purpose_or_elsewhere_says_nothing_here() -> None:
    link_id = uuid.uuid4()
    token = path_of(link_id, LinkPurpose.INVITATION, "ours").removeprefix("/invitation/")
    assert link_in(token, LinkPurpose.INVITATION, "ours") == link_id
    assert link_in(token, LinkPurpose.RESET, "ours") is None
    assert link_in(token, LinkPurpose.INVITATION, "theirs") is None


def test_a_link_serves_once(app: Flask, newcomer: Member, world: World) -> None:
    path = path_of_invitation(app, world, newcomer)
    first, second = PageClient(app), PageClient(app)
    late = second.get(path).form(path)
    choose(first, path)
    second.submit(late, password="Autre-Briques-26", repeated="Autre-Briques-26", status=410)


def test_looking_at_a_link_does_not_use_it(
    app: Flask, newcomer: Member, world: World, client: PageClient
) -> None:
    path = path_of_invitation(app, world, newcomer)
    for _ in range(3):
        client.get(path)
    choose(client, path)


def test_a_new_invitation_replaces_the_one_before(
    app: Flask,
    house: House,
    newcomer: Member,
    world: World,
    client: PageClient,
    client_of: Any,
    deliver: Deliver,
) -> None:
    old = path_of_invitation(app, world, newcomer)
    client_of(house.administrator).post(f"/administration/comptes/{newcomer.membership.id}/relancer")
    client.get(old, status=410)
    client.get(path_in(deliver().to(NEW)[0].text))


def test_an_invitation_accepted_before_it_left_is_not_sent(
    app: Flask,
    house: House,
    newcomer: Member,
    world: World,
    client: PageClient,
    client_of: Any,
    deliver: Deliver,
) -> None:
    path = path_of_invitation(app, world, newcomer)
    client_of(house.administrator).post(f"/administration/comptes/{newcomer.membership.id}/relancer")
    world.session.execute(sa.update(AccountLink).values(used_at=datetime.now(UTC)))
    world.session.commit()
    assert deliver().letters == []
    client.get(path, status=410)


def test_an_invitation_only_goes_to_the_address_of_the_account(
    house: House, newcomer: Member, world: World, client_of: Any, deliver: Deliver
) -> None:
    client_of(house.administrator).post(f"/administration/comptes/{newcomer.membership.id}/relancer")
    world.session.execute(sa.update(Outgoing).values(recipient="intrus@ailleurs.example"))
    world.session.commit()
    assert deliver().letters == []


# Forgotten passwords


def ask(client: PageClient, email: str) -> Page:
    page = client.submit(client.get("/mot-de-passe-oublie").form("/mot-de-passe-oublie"), email=email)
    return client.follow(page)


def test_a_reset_gives_a_new_password_and_closes_every_session(
    house: House, client: PageClient, client_of: Any, deliver: Deliver, signing_in: Any
) -> None:
    elsewhere = client_of(house.referent)
    ask(client, ME)
    (letter,) = deliver().to(ME)
    assert "Lahlou" not in letter.subject
    choose(client, path_in(letter.text))
    client.get("/compte")
    elsewhere.get("/compte", status=303)
    signing_in(ME, PASSWORD, status=422)
    signing_in(ME, OTHER)


def test_a_reset_lasts_an_hour(house: House, client: PageClient, deliver: Deliver, world: World) -> None:
    ask(client, ME)
    path = path_in(deliver().to(ME)[0].text)
    link = world.session.execute(sa.select(AccountLink)).scalar_one()
    assert timedelta(minutes=59) < link.expires_at - datetime.now(UTC) <= timedelta(hours=1)
    link.expires_at -= timedelta(hours=1)
    world.session.commit()
    client.get(path, status=410)


def test_an_unknown_address_gets_the_same_page_the_same_work_and_no_letter(
    house: House, client: PageClient, deliver: Deliver, waiting: Any, count_queries: Any
) -> None:
    answers, works = [], []
    for email in (ME, "personne@cite.example"):
        with count_queries() as statements:
            page = client.post("/mot-de-passe-oublie", {"email": email})
        works.append(statements)
        answers.append(client.follow(page).main())
    assert answers[0] == answers[1]
    assert works[0] == works[1]
    assert len(waiting("reset")) == 2
    assert [to for to, _ in deliver().letters] == [ME]
    assert {row.recipient for row in waiting("reset")} == {ME, ""}


def test_a_disabled_account_gets_no_letter(
    house: House, world: World, client: PageClient, deliver: Deliver
) -> None:
    world.session.execute(sa.update(User).where(User.email == ME).values(disabled_at=datetime.now(UTC)))
    world.session.commit()
    ask(client, ME)
    assert deliver().letters == []


def test_asking_twice_in_a_row_sends_one_letter(
    house: House, client: PageClient, deliver: Deliver, monkeypatch: Any
) -> None:
    at = datetime(2026, 3, 2, 12, 1, tzinfo=UTC)
    monkeypatch.setattr("cityjobs.accounts.actions.now", lambda: at)
    ask(client, ME)
    ask(client, ME)
    assert len(deliver().to(ME)) == 1
    monkeypatch.setattr("cityjobs.accounts.actions.now", lambda: at + timedelta(minutes=10))
    ask(client, ME)
    assert len(deliver().to(ME)) == 2


def test_using_one_link_spends_the_others(
    app: Flask, house: House, newcomer: Member, world: World, client: PageClient, deliver: Deliver
) -> None:
    invitation = path_of_invitation(app, world, newcomer)
    ask(client, NEW)
    choose(client, path_in(deliver().to(NEW)[0].text))
    client.get(invitation, status=410)


def test_the_session_that_the_browser_held_is_closed_when_a_link_is_used(
    app: Flask, house: House, newcomer: Member, world: World, client_of: Any
) -> None:
    client = client_of(house.administrator)
    choose(client, path_of_invitation(app, world, newcomer))
    world.session.rollback()
    theirs = sa.select(SignInSession.revoked_at).where(SignInSession.user_id == house.administrator.id)
    assert world.session.execute(theirs).scalar_one() is not None
    assert "Léa Morel" in client.get("/compte").text()


def test_no_log_and_no_row_holds_a_token_a_password_or_an_address(
    app: Flask,
    newcomer: Member,
    world: World,
    client: PageClient,
    capfd: Any,
    caplog: Any,
    deliver: Deliver,
    databases: Any,
) -> None:
    path = path_of_invitation(app, world, newcomer)
    choose(client, path, "court", status=422)
    choose(client, path)
    ask(client, ME)
    deliver()
    token = path.rsplit("/", 1)[1]
    written = capfd.readouterr().err + caplog.text + str([record.__dict__ for record in caplog.records])
    kept = str(databases.superuser.execute("select to_jsonb(j)::text from audit.journal j").fetchall())
    kept += str(world.session.execute(sa.select(Outgoing.facts, Outgoing.dedupe_key)).all())
    for secret in (token, OTHER, "$argon2id$"):
        assert secret not in written and secret not in kept, secret
    assert ME not in written and NEW not in written


def test_the_key_of_a_reset_says_nothing_of_the_address(
    client: PageClient, world: World, deliver: Deliver
) -> None:
    stranger = "inconnue@ailleurs.example"
    ask(client, stranger)
    deliver()
    row = world.session.execute(sa.select(Outgoing.recipient, Outgoing.dedupe_key)).one()
    assert row.recipient == ""
    for digest in (hashlib.sha256, hashlib.sha1, hashlib.md5):
        assert digest(stranger.encode()).hexdigest() not in row.dedupe_key


def test_nobody_signed_in_may_queue_a_reset_and_nothing_else(databases: Any) -> None:
    import psycopg

    line = "insert into outgoing (id, kind, dedupe_key, recipient, facts, state, attempts, created_at, not_before) values (gen_random_uuid(), %s, encode(sha256('a@b.example'), 'hex') || ':1', 'a@b.example', '{}', 'waiting', 0, now(), now())"
    with databases.connected_as("cityjobs_web") as connection:
        connection.execute(line, ("reset",))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(line, ("invitation",))


# The first administrator


def test_the_command_invites_the_first_administrator(
    as_worker: Flask, world: World, client: PageClient, deliver: Deliver
) -> None:
    cite = world.cite("Maubeuge")
    runner = as_worker.test_cli_runner()
    base = [
        "accounts",
        "invite",
        "Ines.Caron@ville.example",
        "--role",
        "administrator",
        "--first-name",
        "Inès",
        "--last-name",
        "Caron",
        "--cite",
    ]
    assert "Aucune Cité" in runner.invoke(args=[*base, "ailleurs"]).output
    assert (
        "Nommez une organisation" in runner.invoke(args=[*base, cite.slug, "--organisation", "Mairie"]).output
    )
    made = runner.invoke(args=[*base, cite.slug, "--organisation", "Mairie", "--new-organisation"])
    assert made.exit_code == 0, made.output
    assert "déjà ce rôle" in runner.invoke(args=[*base, cite.slug]).output
    path = path_in(deliver().to("ines.caron@ville.example")[0].text)
    assert "Maubeuge, pour Mairie" in client.get(path).main()
    choose(client, path)
    assert client.get("/administration/comptes").status == 200


def test_the_command_refuses_what_is_no_address(as_worker: Flask, world: World) -> None:
    done = as_worker.test_cli_runner().invoke(
        args=[
            "accounts",
            "invite",
            "ines",
            "--role",
            "administrator",
            "--cite",
            "x",
            "--first-name",
            "I",
            "--last-name",
            "C",
        ]
    )
    assert done.exit_code == 1 and "adresse" in done.output
