"""The file of a person: who sees what of it, what it costs, what trace it leaves."""

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from cityjobs.core.clock import today
from cityjobs.core.web import day
from cityjobs.followups.rules import StepState
from cityjobs.parcours.models import Job, Spotting, Suspension, Transition
from cityjobs.parcours.rules.jobs import JobKind
from cityjobs.parcours.rules.lifecycle import AssignmentKind, Event, Status
from cityjobs.parcours.rules.reasons import SpottingChannel
from cityjobs.people.rules import ContactChannel
from cityjobs.reminders.models import Reminder
from cityjobs.reminders.rules import ReminderRule, ReminderState
from cityjobs.territory.models import Qpv
from cityjobs.territory.rules import QpvAnswer, QpvSource
from tests.bench.thick import EVENTS, WORD, thicken
from tests.conftest import Databases
from tests.manners import Page, PageClient
from tests.plans.makers import etape
from tests.world import Case, Member, World

Clients = Callable[[Any], PageClient]


@pytest.fixture
def cite(world: World) -> Any:
    return world.cite("Roubaix")


@pytest.fixture
def samira(world: World, cite: Any) -> Member:
    return world.member("referent", cite, organisation_id=world.organisation(cite, "Mission locale").id)


@pytest.fixture
def case(world: World, cite: Any, samira: Member) -> Case:
    return world.case(cite, referent=samira)


def facts(page: Page) -> list[str]:
    return [fact.text() for fact in page.all("dl", class_="facts")[0].all("div")]


def timeline(page: Page) -> list[str]:
    return [line.text() for line in page.all("ol", class_="trail")[0].all("li")]


def test_each_role_is_answered_what_it_may_see(
    world: World, cite: Any, samira: Member, case: Case, client_of: Clients, client: PageClient
) -> None:
    url = f"/personnes/{case.id}"
    client_of(samira).get(url)
    client_of(world.member("coordinator", cite)).get(url)
    for role, status in (
        ("referent", 404), ("spotter", 404), ("chef_de_file", 403), ("partner", 403), ("funder", 403), ("administrator", 403),
    ):  # fmt: skip
        client_of(world.member(role, cite)).get(url, status=status)
    calais = world.cite("Calais")
    for role in ("referent", "coordinator", "spotter"):
        client_of(world.member(role, calais)).get(url, status=404)
    client_of(samira).get(f"/personnes/{uuid.uuid4()}", status=404)
    assert client.get(url, status=303).location.startswith("/connexion")


def test_a_former_referent_no_longer_opens_it(world: World, cite: Any, client_of: Clients) -> None:
    before, after = world.member("referent", cite), world.member("referent", cite)
    case = world.case(cite)
    world.assign(case.person, case.parcours, before, ended_at=datetime.now(UTC))
    world.assign(case.person, case.parcours, after)
    client_of(before).get(f"/personnes/{case.id}", status=404)
    client_of(after).get(f"/personnes/{case.id}")


def test_the_head_answers_four_questions(
    world: World, samira: Member, case: Case, client_of: Clients
) -> None:
    world.interview(case, samira, days_ago=6)
    world.interview(case, samira, days_ago=1, reached=False)
    world.step(case, samira, in_days=9, title="Dossier Afpa")
    world.step(case, samira, in_days=-2, title="Confirmer la crèche")
    where, who, contact, following = facts(client_of(samira).get(f"/personnes/{case.id}"))
    assert "Actif" in where
    assert samira.user.display_name in who and "Mission locale" in who
    assert "il y a 6 jours" in contact and "Téléphone" in contact
    assert "Confirmer la crèche" in following and "en retard" in following


def test_the_head_says_when_there_is_nothing(world: World, cite: Any, client_of: Clients) -> None:
    case = world.case(cite, status=Status.REPERE)
    where, who, contact, following = facts(
        client_of(world.member("coordinator", cite)).get(f"/personnes/{case.id}")
    )
    assert "Repéré" in where and "Personne pour l’instant" in who
    assert "Jamais jointe" in contact and "Rien de prévu" in following


@pytest.mark.parametrize(
    ("status", "days_ago", "said", "leads_to"),
    [
        (Status.SUIVI_EMPLOI, 20, "Point d’emploi à faire", "/points/j8"),
        (Status.SORTI, 60, "Situation à demander", "/situations/"),
        (Status.SUSPENDU, 30, "Reprise prévue", "#vie"),
    ],
)
def test_the_head_says_what_is_due_when_nothing_is_on_the_list(
    world: World,
    cite: Any,
    samira: Member,
    client_of: Clients,
    status: Status,
    days_ago: int,
    said: str,
    leads_to: str,
) -> None:
    case = world.case(cite, status=status, referent=samira, days_ago=days_ago)
    page = client_of(samira).get(f"/personnes/{case.id}")
    assert said in facts(page)[3] and "Rien de prévu" not in facts(page)[3]
    (link,) = page.all("dl", class_="facts")[0].all("a")
    assert leads_to in link.attributes["href"]
    if not leads_to.startswith("#"):
        client_of(samira).get(link.attributes["href"])


def test_the_head_leads_to_the_first_step_of_the_plan_when_it_is_all_that_is_planned(
    world: World, samira: Member, case: Case, client_of: Clients
) -> None:
    for label, days in (("Code de la route", 40), ("Atelier CV", -3)):
        etape(world, case, label=label, planned_to=today() + timedelta(days=days))
    following = facts(client_of(samira).get(f"/personnes/{case.id}"))[3]
    assert "Atelier CV, en retard" in following and "Code de la route" not in following


def test_a_parcours_without_a_named_referent_shows_the_organisation(
    world: World, cite: Any, client_of: Clients
) -> None:
    from cityjobs.parcours.models import Assignment

    case = world.case(cite)
    home = world.organisation(cite, "Régie de quartier")
    world.keep(
        Assignment(cite_id=cite.id, person_id=case.id, parcours_id=case.parcours.id, organisation_id=home.id)
    )
    who = facts(client_of(world.member("coordinator", cite)).get(f"/personnes/{case.id}"))[1]
    assert "Régie de quartier" in who and "référent à préciser" in who


def test_a_sensitive_organisation_is_named_to_the_coordination_alone(
    world: World, cite: Any, client_of: Clients
) -> None:
    shelter = world.organisation(cite, "Refuge des Lilas", is_sensitive=True)
    hidden = world.member("referent", cite, organisation_id=shelter.id)
    seconding = world.member("referent", cite)
    case = world.case(cite, referent=hidden)
    world.assign(case.person, case.parcours, seconding, kind="co_referent")
    page = client_of(seconding).get(f"/personnes/{case.id}")
    assert "Refuge des Lilas" not in page.text() and "Autre partenaire" in page.text()
    assert hidden.user.display_name in page.text()
    assert (
        "Refuge des Lilas" in client_of(world.member("coordinator", cite)).get(f"/personnes/{case.id}").text()
    )


def test_contact_is_one_touch_away_with_the_provenance_of_the_neighbourhood(
    world: World, cite: Any, samira: Member, client_of: Clients
) -> None:
    qpv = Qpv(
        id=uuid.uuid4(), code="QN05901M", name="Alma – Gare", generation=2024, valid_from=date(2024, 1, 1)
    )
    world.keep(qpv)
    case = world.case(
        cite, referent=samira, phone="+33612345678", second_phone="+32470123456", email="nadia@courriel.example",
        preferred_channel=ContactChannel.SMS, address="12 rue de l’Alma", postcode="59100", commune="Roubaix",
        qpv_answer=QpvAnswer.INSIDE, qpv_id=qpv.id, qpv_source=QpvSource.SIG_VILLE, qpv_checked_on=date(2026, 3, 3),
        qpv_confirmed_by_id=samira.id,
    )  # fmt: skip
    page = client_of(samira).get(f"/personnes/{case.id}")
    links = page.links()
    assert links["06 12 34 56 78"] == "tel:+33612345678"
    assert links["+32 470 12 34 56"] == "tel:+32470123456"
    assert links["nadia@courriel.example"] == "mailto:nadia@courriel.example"
    for words in (
        "12 rue de l’Alma, 59100 Roubaix",
        "Alma – Gare",
        "vérifié sur SIG Ville",
        "mar. 3 mars 2026",
        "confirmé par",
    ):
        assert words in page.text(), words


def test_whether_they_agreed_to_be_contacted_and_were_informed_is_said(
    world: World, cite: Any, samira: Member, client_of: Clients
) -> None:
    spotter = world.member("spotter", cite)
    case = world.case(cite, referent=samira, spotted_by=spotter)
    url = f"/personnes/{case.id}"

    def said(agreed: bool, informed: bool) -> str:
        answer = "Accepte d’être recontactée" if agreed else "Ne souhaite pas être recontactée"
        return f"{answer}, {'notice d’information remise' if informed else 'notice à remettre'}"

    def contact(member: Member) -> str:
        return client_of(member).get(url).all("section", id="contact")[0].text()

    assert all(said(True, False) in contact(member) for member in (samira, spotter))
    for days_ago, agreed, informed, stands in (
        (20, False, True, (False, True)),
        (40, True, False, (False, True)),
        (10, True, False, (True, True)),
    ):
        world.keep(
            Spotting(
                cite_id=cite.id, person_id=case.id, parcours_id=case.parcours.id, channel=SpottingChannel.ADULTE_RELAIS,
                spotted_on=today() - timedelta(days=days_ago), agreed_to_be_contacted=agreed, was_informed=informed,
            )
        )  # fmt: skip
        assert said(*stands) in contact(samira), "the last word, and the notice that was once handed over"
    lines = timeline(client_of(samira).get(f"{url}?type=parcours"))
    told = [(True, False), (False, True), (True, False), (True, False)]
    assert len(lines) == len(told)
    assert all(said(*each) in line for each, line in zip(told, lines, strict=True))


def test_the_timeline_tells_everything_the_latest_first(
    world: World, cite: Any, samira: Member, client_of: Clients
) -> None:
    coordinator = world.member("coordinator", cite)
    spotter = world.member("spotter", cite)
    case = world.case(cite, spotted_by=spotter, status=Status.CONTACTE, days_ago=30)
    world.assign(case.person, case.parcours, samira, assigned_by_id=coordinator.id, reason="Habite à côté",
                 started_at=datetime.now(UTC) - timedelta(days=25))  # fmt: skip
    world.keep(
        Transition(
            cite_id=cite.id, person_id=case.id, parcours_id=case.parcours.id, event=Event.CONTACT_OK,
            from_status=Status.REPERE, to_status=Status.CONTACTE, happened_on=today() - timedelta(days=20),
            recorded_by_id=samira.id,
        )
    )  # fmt: skip
    world.interview(case, samira, days_ago=10, synthesis="Ligne 1\nLigne 2 <b>😀</b>")
    done = datetime.now(UTC) - timedelta(days=5)
    world.step(
        case,
        samira,
        title="Atelier CV",
        state=StepState.DONE,
        settled_at=done,
        settled_by_id=samira.id,
        result="Venue",
    )
    world.step(
        case,
        samira,
        title="Visite",
        state=StepState.CANCELLED,
        settled_at=done - timedelta(days=1),
        settled_by_id=samira.id,
        result="Malade",
    )
    for state in (ReminderState.SENT, ReminderState.CANCELLED):
        world.keep(
            Reminder(
                cite_id=cite.id, person_id=case.id, parcours_id=case.parcours.id, rule=ReminderRule.SILENCE,
                subject_id=case.parcours.id, due_on=today() - timedelta(days=2), recipient_id=samira.id, state=state,
                settled_at=datetime.now(UTC) - timedelta(days=2), channel=state.value,
            )
        )  # fmt: skip
    page = client_of(samira).get(f"/personnes/{case.id}")
    lines = timeline(page)
    expected = ["Rappel envoyé", "Fait : Atelier CV", "Laissé : Visite", "Échange : téléphone",
                "Parcours : contacté", "Référent : ", "Repérage : adulte-relais"]  # fmt: skip
    assert len(lines) == len(expected)
    for line, words in zip(lines, expected, strict=True):
        assert words in line
    assert "Habite à côté" in lines[5] and coordinator.user.display_name in lines[5]
    assert spotter.user.display_name in lines[6]
    assert "Ligne 2 <b>😀</b>" in page.text()
    for kind, count in (
        ("echanges", 1),
        ("parcours", 2),
        ("equipe", 1),
        ("a-faire", 2),
        ("rappels", 1),
        ("autre", 7),
    ):
        assert len(timeline(client_of(samira).get(f"/personnes/{case.id}?type={kind}"))) == count, kind


def test_each_move_says_what_made_it(world: World, cite: Any, samira: Member, client_of: Clients) -> None:
    case = world.case(cite, referent=samira)
    ties = {"cite_id": cite.id, "person_id": case.id, "parcours_id": case.parcours.id}
    on, began = today() - timedelta(days=9), datetime.now(UTC) - timedelta(days=9)
    soon, late = today() + timedelta(days=30), today() + timedelta(days=60)
    over = {**ties, "started_on": on, "ended_on": on}
    pause = {**over, "reason": "raison_personnelle"}
    job = {**over, "kind": JobKind.CONTRACT, "end_reason": "demission"}
    moves: list[tuple[Event, Status, Status, str, Any]] = [
        (Event.ENROLL, Status.DIAGNOSTIC, Status.ACTIF, "actif, entrée en parcours", None),
        (Event.SUSPEND, Status.ACTIF, Status.SUSPENDU, f"Reprise prévue le {day(soon)}", Suspension(**pause, expected_end_on=soon)),
        (Event.RESUME, Status.SUSPENDU, Status.ACTIF, "actif, reprise après une suspension", None),
        (Event.SUSPEND, Status.ACTIF, Status.SUSPENDU, f"Reprise prévue le {day(late)}", Suspension(**pause, expected_end_on=late)),
        (Event.RESUME, Status.SUSPENDU, Status.ACTIF, "actif, reprise après une suspension", None),
        (Event.HIRE, Status.ACTIF, Status.SUIVI_EMPLOI, "Cuisinier, CDI, La Cantine", Job(**job, contract="cdi", occupation="Cuisinier", employer="La Cantine")),
        (Event.CONTRACT_BROKEN, Status.SUIVI_EMPLOI, Status.ACTIF, "actif, l’emploi s’est arrêté", None),
        (Event.HIRE, Status.ACTIF, Status.SUIVI_EMPLOI, "CDD de 6 mois et plus", Job(**job, contract="cdd_6m_plus")),
        (Event.CLOSE, Status.SUIVI_EMPLOI, Status.SORTI, "Parcours : sorti", None),
        (Event.REOPEN, Status.SORTI, Status.SUIVI_EMPLOI, "suivi dans l’emploi, sortie annulée", None),
    ]  # fmt: skip
    for minutes, (event, former, becomes, _, beside) in enumerate(moves):
        at = began + timedelta(minutes=minutes)
        world.keep(
            Transition(
                **ties, event=event, from_status=former, to_status=becomes, happened_on=on, recorded_at=at,
                recorded_by_id=samira.id,
            )
        )  # fmt: skip
        if beside:
            beside.created_at = at
            world.keep(beside)
    client, url = client_of(samira), f"/personnes/{case.id}?type=parcours"
    lines = timeline(client.get(url))[::-1][1:]
    assert len(lines) == len(moves)
    for line, (event, _, _, words, _) in zip(lines, moves, strict=True):
        assert words in line
        assert ("Reprise prévue" in line) == (event is Event.SUSPEND)
        assert ("CD" in line) == (event is Event.HIRE)
    assert len(timeline(client.get(f"{url}&mot=cantine"))) == 1


def test_the_timeline_goes_on_by_pages_of_twenty(
    world: World, samira: Member, case: Case, client_of: Clients
) -> None:
    for number in range(45):
        world.interview(case, samira, days_ago=number, synthesis=f"Échange numéro {number}.")
    client = client_of(samira)
    page = client.get(f"/personnes/{case.id}?type=echanges")
    seen = []
    for _ in range(3):
        seen += timeline(page)
        more = [href for text, href in page.links().items() if text.startswith("Voir plus")]
        page = client.get(more[0]) if more else page
    assert len(seen) == 45 and len(set(seen)) == 45
    assert not more
    assert "Rien de plus ancien" in client.get(f"/personnes/{case.id}?page=99").text()


def test_another_persons_life_is_not_in_it(
    world: World, cite: Any, samira: Member, case: Case, client_of: Clients
) -> None:
    another = world.case(cite, referent=samira, last_name="Tout-Autre")
    world.interview(another, samira, synthesis="De quelqu’un d’autre")
    world.step(another, samira, title="Étape d’autrui")
    text = client_of(samira).get(f"/personnes/{case.id}").text()
    assert "quelqu’un d’autre" not in text and "autrui" not in text and "Tout-Autre" not in text


def test_the_team_is_told_with_its_dates(world: World, cite: Any, client_of: Clients) -> None:
    before, present, second = (world.member("referent", cite) for _ in range(3))
    spotter = world.member("spotter", cite)
    case = world.case(cite, spotted_by=spotter)
    start = datetime.now(UTC) - timedelta(days=50)
    world.assign(case.person, case.parcours, before, started_at=start, ended_at=start + timedelta(days=20))
    world.assign(case.person, case.parcours, present, started_at=start + timedelta(days=20))
    world.assign(case.person, case.parcours, second, kind=AssignmentKind.CO_REFERENT)
    page = client_of(second).get(f"/personnes/{case.id}")
    team = [line.text() for line in page.all("section", id="equipe")[0].all("li")]
    names = [member.user.display_name for member in (present, second, before, spotter)]
    assert [name in line for name, line in zip(names, team, strict=True)] == [True] * 4
    assert "Co-référent" in team[1] and " au " in team[2] and "A repéré" in team[3]


def test_a_spotter_sees_where_it_stands_and_the_contact_and_nothing_said(
    world: World, cite: Any, samira: Member, client_of: Clients
) -> None:
    spotter = world.member("spotter", cite)
    case = world.case(cite, referent=samira, spotted_by=spotter, phone="+33612345678")
    world.interview(case, samira, synthesis="Confidence")
    world.step(case, samira, title="Étape à venir")
    page = client_of(spotter).get(f"/personnes/{case.id}")
    assert len(facts(page)) == 2
    assert samira.user.display_name in page.text() and "06 12 34 56 78" in page.text()
    for words in ("Confidence", "Étape à venir", "Noter un échange", "Ce qui s’est passé"):
        assert words not in page.main()


def test_a_closed_parcours_is_readable_and_can_be_begun_again(
    world: World, cite: Any, samira: Member, client_of: Clients
) -> None:
    case = world.case(cite, referent=samira, status=Status.SORTI)
    world.interview(case, samira, synthesis="Avant la sortie")
    page = client_of(samira).get(f"/personnes/{case.id}")
    assert "Avant la sortie" in page.text() and "Emploi : CDI" in page.text()
    assert page.links()["Ouvrir un nouveau parcours"] == f"/personnes/{case.id}/parcours/nouveau"


def test_moves_are_offered_as_the_parcours_allows(
    world: World, cite: Any, samira: Member, client_of: Clients
) -> None:
    case = world.case(cite, referent=samira, status=Status.RENCONTRE)
    hrefs = list(client_of(samira).get(f"/personnes/{case.id}").links().values())
    for event, offered in (
        ("start_assessment", True),
        ("decline", True),
        ("close", False),
        ("enroll", False),
    ):
        assert (f"/personnes/{case.id}/parcours/{event}" in hrefs) is offered, event


def test_reading_leaves_exactly_one_trace_and_a_refusal_none(
    world: World, cite: Any, samira: Member, case: Case, client_of: Clients, databases: Databases
) -> None:
    def readings() -> list[Any]:
        return databases.superuser.execute(
            "select actor, role, cite_id, subject, subject_id from audit.journal where verb = 'read'"
        ).fetchall()

    client_of(samira).get(f"/personnes/{case.id}")
    assert readings() == [(samira.id, "referent", cite.id, "person", str(case.id))]
    client_of(world.member("referent", cite)).get(f"/personnes/{case.id}", status=404)
    client_of(world.member("funder", cite)).get(f"/personnes/{case.id}", status=403)
    client_of(samira).get(f"/personnes/{uuid.uuid4()}", status=404)
    assert len(readings()) == 1


@pytest.mark.parametrize("events", [1, 20, 200])
def test_the_page_costs_the_same_whatever_happened(
    world: World,
    samira: Member,
    case: Case,
    client_of: Clients,
    count_queries: Callable[[], Any],
    events: int,
) -> None:
    for number in range(events):
        world.interview(case, samira, days_ago=number % 50)
        world.step(case, samira, in_days=number, title=f"Étape {number}")
    client = client_of(samira)
    client.get(f"/personnes/{case.id}")
    with count_queries() as statements:
        client.get(f"/personnes/{case.id}")
    assert len(statements) == 5, statements


def test_a_file_of_400_events_costs_as_much_as_one_and_answers_the_right_page(
    samira: Member, case: Case, client_of: Clients, count_queries: Callable[[], Any], databases: Databases
) -> None:
    client, url = client_of(samira), f"/personnes/{case.id}"
    client.get(url)
    with count_queries() as statements:
        client.get(url)
    thin_file = len(statements)
    thicken(databases.superuser, case.id, samira.id)
    told = (
        """select count(*) from (select id from interview where person_id = %(id)s union all
          select id from next_step where person_id = %(id)s and state <> 'todo' union all select id from reminder where person_id = %(id)s
          union all select id from parcours_transition where person_id = %(id)s union all select id from assignment where person_id = %(id)s
          union all select id from diagnosis where person_id = %(id)s union all select id from goal where person_id = %(id)s
          union all select id from etape where person_id = %(id)s union all select id from agreement where person_id = %(id)s
          union all select id from spotting where person_id = %(id)s) every""",
        {"id": case.id},
    )
    [(events,)] = databases.superuser.execute(*told).fetchall()
    assert EVENTS == 400 and events >= EVENTS
    for asked in ("", "?page=10", "?type=plan", f"?mot={WORD}"):
        with count_queries() as statements:
            client.get(f"{url}{asked}")
        assert len(statements) == thin_file == 5, asked
    pages = [timeline(client.get(f"{url}?page={number}")) for number in range(1, events // 20 + 2)]
    assert [len(page) for page in pages[:-1]] == [20] * (events // 20)
    assert len(pages[-1]) == events % 20
    exchanges = [line for page in pages for line in page if "numéro" in line]
    assert len(exchanges) == len(set(exchanges)) == 148
    sought = timeline(client.get(f"{url}?mot={WORD.upper()}"))
    assert len(sought) == 2 and all(WORD in line for line in sought)


def test_the_quick_entry_is_reached_by_the_keyboard(samira: Member, case: Case, client_of: Clients) -> None:
    form = client_of(samira).get(f"/personnes/{case.id}").form(f"/personnes/{case.id}/entretiens/nouveau")
    assert "data-quick-entry" in form.element.attributes
    assert form.element.attributes["data-draft"] == f"entretien:{case.id}"
