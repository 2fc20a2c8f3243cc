"""Free text about somebody: who reads it stands under each field, sensitive words are read again before they are kept."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask
from wtforms import StringField, TextAreaField
from wtforms.fields.core import UnboundField

from cityjobs.core.clock import today
from cityjobs.core.forms import AboutPerson, Form, LineField
from cityjobs.core.permissions import Role
from cityjobs.core.wording import Subject
from cityjobs.parcours.rules.lifecycle import Status
from cityjobs.vocabulary import queries as vocabulary
from tests.conftest import Databases
from tests.manners import Page, PageClient
from tests.plans import makers
from tests.world import Case, Member, World

SignIn = Callable[[Any], PageClient]
READS = "La personne peut lire ce que vous écrivez ici."
REREAD = "Je l’ai relu : ces mots sont nécessaires"
SAID = "Il a connu la prison, puis une dépression."
TWICE = f"{SAID} Sa famille est gitane."
SOON = (today() + timedelta(days=6)).isoformat()

LINES_ABOUT_NOBODY = {
    "SearchForm.q": "a name, kept nowhere",
    "KinSearchForm.q": "a name, kept nowhere",
    "SpotForm.first_name": "a name",
    "SpotForm.last_name": "a name",
    "SpotForm.reached_through": "who knows where the person is",
    "SpotForm.address": "an address",
    "PersonForm.first_name": "a name",
    "PersonForm.last_name": "a name",
    "PersonForm.birth_name": "a name",
    "PersonForm.reached_through": "who knows where the person is",
    "PersonForm.language": "a language",
    "PersonForm.address": "an address",
    "PersonForm.postcode": "an address",
    "PersonForm.commune": "an address",
    "HireForm.occupation": "an occupation",
    "HireForm.employer": "an employer",
    "DiagnosisForm.occupation": "an occupation",
    "KeepForm.name": "the name of a kept plan, that no person has",
    "AddItemForm.label": "a line of a list",
    "SettingsForm.programme_name": "the name of a programme",
    "CommuneForm.insee_code": "a commune",
    "CommuneForm.name": "a commune",
    "OrganisationForm.name": "an organisation",
    "InviteForm.first_name": "a professional",
    "InviteForm.last_name": "a professional",
}
"""Every line of text that is not about somebody accompanied, and why."""


@dataclass(frozen=True)
class Scene:
    """Somebody with all that a free text can be about."""

    referent: Member
    coordinator: Member
    second: Member
    case: Case

    @property
    def file(self) -> str:
        """The file of the person."""
        return f"/personnes/{self.case.id}"


@pytest.fixture
def scene(world: World) -> Scene:
    cite = world.cite("Roubaix")
    referent = world.member(Role.REFERENT, cite)
    return Scene(
        referent=referent,
        coordinator=world.member(Role.COORDINATOR, cite),
        second=world.member(Role.REFERENT, cite, first_name="Julien"),
        case=world.case(cite, referent=referent, status=Status.SUIVI_EMPLOI, days_ago=44),
    )


@dataclass(frozen=True)
class Place:
    """Where a field is written: its form, who writes, the page and what else it asks."""

    form: str
    field: str
    page: Callable[[Scene, World, PageClient], str]
    said: Callable[[Scene], dict[str, Any]] = lambda _: {}
    by: str = "referent"


def of_file(end: str) -> Callable[[Scene, World, PageClient], str]:
    return lambda scene, _world, _client: f"{scene.file}{end}"


def of_step(gesture: str) -> Callable[[Scene, World, PageClient], str]:
    return lambda scene, world, _client: (
        f"{scene.file}/etapes/{world.step(scene.case, scene.referent).id}/{gesture}"
    )


def of_passing_on(scene: Scene, world: World, _client: PageClient) -> str:
    colleague = world.member(Role.REFERENT, scene.referent.cite)
    world.assign(scene.case.person, scene.case.parcours, colleague, kind="co_referent")
    step = world.step(scene.case, scene.referent)
    world.pass_on(step, colleague, scene.referent)
    return f"{scene.file}/etapes/{step.id}/confier"


def of_interview(scene: Scene, world: World, _client: PageClient) -> str:
    return f"{scene.file}/entretiens/{world.interview(scene.case, scene.referent).id}/modifier"


def of_check(scene: Scene, _world: World, _client: PageClient) -> str:
    (job,) = _world.session.execute(
        vocabulary.sa.text("select id from job where person_id = :id"), {"id": scene.case.id}
    ).one()
    return f"{scene.file}/emplois/{job}/points/j8"


def of_diagnosis(scene: Scene, _world: World, client: PageClient) -> str:
    url = f"{scene.file}/diagnostic"
    client.submit(client.get(url).form("/commencer"))
    return url


def of_former(scene: Scene, world: World, _client: PageClient) -> str:
    gone = world.case(scene.referent.cite, referent=scene.referent, status=Status.SORTI, days_ago=30)
    return f"/personnes/{gone.id}/parcours/nouveau"


def of_etape(scene: Scene, world: World, _client: PageClient) -> str:
    return f"{scene.file}/plan/etapes/{makers.etape(world, scene.case, makers.goal(world, scene.case)).id}/modifier"


def of_search(_scene: Scene, _world: World, _client: PageClient) -> str:
    return "/reperage/chercher"


SPOTTED = {
    "channel": "porte_a_porte", "spotted_on": today().isoformat(), "first_name": "Inès", "qpv": "unknown",
    "reached_through": "sa sœur",
}  # fmt: skip
NEXT = {"synthesis": "Elle avance.", "due_on": SOON}
PLACES = [
    Place("LogForm", "synthesis", of_file("")),
    Place("LogForm", "synthesis", of_file("/entretiens/nouveau")),
    Place("LogForm", "next_step", of_file("/entretiens/nouveau"), lambda _: NEXT),
    Place("LogForm", "private_note", of_file("/entretiens/nouveau"), lambda _: {"synthesis": "Bien."}),
    Place("CorrectForm", "synthesis", of_interview),
    Place("CorrectForm", "private_note", of_interview),
    Place("PlanForm", "title", of_file("/etapes/nouvelle"), lambda _: {"due_on": SOON}),
    Place(
        "PlanForm",
        "place",
        of_file("/etapes/nouvelle"),
        lambda _: {"title": "Rendez-vous", "due_on": SOON, "due_at": "09:30"},
    ),
    Place("FinishForm", "result", of_step("faite")),
    Place("PostponeForm", "reason", of_step("reporter"), lambda _: {"due_on": SOON}),
    Place("DropForm", "reason", of_step("abandonner")),
    Place("PassOnForm", "reason", of_passing_on, lambda s: {"colleague": str(s.referent.id)}),
    Place("CheckForm", "note", of_check, lambda _: {"in_job": "oui"}),
    Place("DiagnosisForm", "strengths", of_diagnosis),
    Place("DiagnosisForm", "project", of_diagnosis),
    Place("GoalForm", "label", of_file("/plan")),
    Place("EtapeForm", "label", of_file("/plan/etapes/nouvelle"), lambda _: {"type": "permis_code"}),
    Place("EtapeForm", "label", of_etape),
    Place("EtapeForm", "note", of_etape),
    Place("SpotForm", "first_need", of_search, lambda _: SPOTTED),
    Place("SpotForm", "place", of_search, lambda _: SPOTTED),
    Place("SightingForm", "place", of_former, lambda _: {"channel": "porte_a_porte"}),
    Place("SightingForm", "first_need", of_former, lambda _: {"channel": "porte_a_porte"}),
    Place(
        "SecondForm", "why", of_file("/equipe"), lambda s: {"colleague": str(s.second.id)}, by="coordinator"
    ),
    Place(
        "AssignForm", "reason", of_file("/equipe"), lambda s: {"target": str(s.second.id)}, by="coordinator"
    ),
]


def forms_below(kind: type[Form] = Form) -> Iterator[type[Form]]:
    """Every form of the house, but those made while it runs."""
    for child in kind.__subclasses__():
        made = child.__name__ == "FilledDiagnosisForm"
        if child.__module__.startswith("cityjobs.") and "showcase" not in child.__module__ and not made:
            yield child
        yield from forms_below(child)


def texts_of(form: type[Form]) -> dict[str, type[Any]]:
    """The fields of a form where words are written, each with its class."""
    found: dict[str, type[Any]] = {}
    for name in dir(form):
        made = getattr(form, name)
        if isinstance(made, UnboundField) and issubclass(made.field_class, StringField):
            found[name] = made.field_class
    return found


def test_every_free_text_about_somebody_is_watched_and_tried_here(built_app: Flask) -> None:
    assert built_app
    plain, watched = set(), set()
    for form in forms_below():
        for name, kind in texts_of(form).items():
            field = f"{form.__name__}.{name}"
            if issubclass(kind, AboutPerson):
                watched.add(field)
            elif kind is LineField:
                plain.add(field)
            else:
                assert not issubclass(kind, TextAreaField), f"{field} is free text that nobody reads again"
    assert plain == LINES_ABOUT_NOBODY.keys(), "about somebody: a RemarkField; else say why not, above"
    inherited = {"ExchangeForm.synthesis", "ExchangeForm.private_note"}
    assert {f"{place.form}.{place.field}" for place in PLACES} == watched - inherited


def open_form(place: Place, scene: Scene, world: World, client: PageClient) -> Page:
    url = place.page(scene, world, client)
    if place.form == "SpotForm":
        return client.post(url, {"q": "Inès Zouaoui"}, status=200)
    return client.get(url)


def journal(databases: Databases) -> list[tuple[Any, ...]]:
    return databases.superuser.execute(
        "select actor, cite_id, subject, subject_id, before, after from audit.journal where verb = 'warn' order by id"
    ).fetchall()


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.form}.{place.field}")
def test_sensitive_words_come_back_once_to_be_read_again(
    place: Place, scene: Scene, world: World, client_of: SignIn, databases: Databases
) -> None:
    writer: Member = getattr(scene, place.by)
    client = client_of(writer)
    page = open_form(place, scene, world, client)
    form, more = page.form(holding=place.field), place.said(scene)
    (control,) = form.element.all("*", name=place.field)
    described = control["aria-describedby"].split()
    assert any(READS in each.text() for ident in described for each in page.all("*", id=ident))

    back = client.submit(form, status=422, **more, **{place.field: SAID})
    again = back.form(holding=place.field)
    assert again.values[place.field].strip() == SAID, "what was typed is kept"
    assert "« prison »" in back.errors() and "« dépression »" in back.errors()
    assert "jamais la cause" in back.errors()
    (box,) = again.element.all("input", name="relu")
    assert "checked" not in box.attributes and REREAD in back.text()
    client.submit(again, status=422), "without the box it asks again"
    assert journal(databases) == []

    back = client.submit(again, status=422, relu=box["value"], **{place.field: TWICE})
    assert "« gitane »" in back.errors() and "prison" not in back.errors()
    again = back.form(holding=place.field)
    (box,) = again.element.all("input", name="relu")
    client.submit(again, relu=box["value"])
    told = journal(databases)
    assert [line[3] for line in told] == sorted([Subject.HEALTH, Subject.JUSTICE, Subject.ORIGIN])
    assert {line[:3] for line in told} == {(writer.id, writer.cite.id, "sensitive_words")}
    assert {line[4:] for line in told} == {(None, None)}, "neither the text nor the word"


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.form}.{place.field}")
def test_a_number_of_social_security_is_refused_whatever_is_ticked(
    place: Place, scene: Scene, world: World, client_of: SignIn
) -> None:
    client = client_of(getattr(scene, place.by))
    form = open_form(place, scene, world, client).form(holding=place.field)
    for text in ("n° 2 84 02 59 512 123 80", "1.85.05.2A.004.123", "prison 2840259512123"):
        said = {**place.said(scene), place.field: text, "relu": f"{place.field}:prison"}
        assert "numéro de sécurité sociale" in client.submit(form, status=422, **said).errors(), text


def noting(client: PageClient, scene: Scene, status: int = 303, **said: Any) -> Page:
    form = client.get(f"{scene.file}/entretiens/nouveau").form(holding="synthesis")
    return client.submit(form, status=status, **said)


def test_each_field_asks_for_itself(scene: Scene, client_of: SignIn) -> None:
    client = client_of(scene.referent)
    page = noting(client, scene, 422, synthesis="Elle est malade.", private_note="Elle est malade.")
    boxes = page.form(holding="synthesis").element.all("input", name="relu")
    assert [box["value"] for box in boxes] == ["synthesis:malade", "private_note:malade"]
    page = client.submit(page.form(holding="synthesis"), status=422, relu=["synthesis:malade"])
    kept, asked = page.form(holding="synthesis").element.all("input", name="relu")
    assert "checked" in kept.attributes and "checked" not in asked.attributes
    client.submit(page.form(holding="synthesis"), relu=["synthesis:malade", "private_note:malade"])


def test_what_was_read_again_stays_so_when_something_else_is_refused(
    scene: Scene, client_of: SignIn, databases: Databases
) -> None:
    client = client_of(scene.referent)
    said = {"synthesis": "Elle est malade.", "relu": "synthesis:malade"}
    page = noting(client, scene, 422, **said, duration="longtemps")
    assert journal(databases) == [], "nothing was kept yet"
    client.submit(page.form(holding="synthesis"), duration="20")
    assert [line[3] for line in journal(databases)] == [Subject.HEALTH]


def test_words_kept_before_are_not_asked_about_again(
    scene: Scene, world: World, client_of: SignIn, databases: Databases
) -> None:
    interview = world.interview(scene.case, scene.referent, synthesis="Elle est malade.")
    client = client_of(scene.referent)
    form = client.get(f"{scene.file}/entretiens/{interview.id}/modifier").form(holding="synthesis")
    page = client.submit(form, status=422, synthesis="Elle est malade, en prison.")
    assert "prison" in page.errors() and "malade" not in page.errors()
    client.submit(form, synthesis="Elle est malade, elle rappellera.")
    assert journal(databases) == []


def test_two_versions_ask_once(scene: Scene, world: World, client_of: SignIn) -> None:
    interview = world.interview(scene.case, scene.referent)
    mine, theirs = client_of(scene.referent), client_of(scene.coordinator)
    url = f"{scene.file}/entretiens/{interview.id}/modifier"
    form, other = mine.get(url).form(holding="synthesis"), theirs.get(url).form(holding="synthesis")
    theirs.submit(other, synthesis="Autre chose.")
    conflict = mine.submit(form, status=409, synthesis="Elle est malade.", relu="synthesis:malade")
    mine.submit(conflict.form(holding="mine-synthesis"))


def test_a_draft_is_kept_whatever_its_words(scene: Scene, client_of: SignIn) -> None:
    client = client_of(scene.referent)
    form = client.get(f"{scene.file}/entretiens/nouveau").form(holding="synthesis")
    key = form.element["data-draft"]
    token = client.token()
    answer = client.flask.put(f"/brouillons/{key}", json={"synthesis": SAID}, headers={"X-CSRFToken": token})
    assert answer.status_code == 200
    assert client.get(f"{scene.file}/entretiens/nouveau").form(holding="synthesis").values[
        "synthesis"
    ].strip() == SAID  # fmt: skip


# The words of a Cité, and what reading them costs


def test_a_coordinator_adds_a_word_and_admits_an_expression(
    scene: Scene, world: World, client_of: SignIn
) -> None:
    chief, client = client_of(scene.coordinator), client_of(scene.referent)
    elsewhere = world.member(Role.REFERENT, world.cite("Calais"))
    other = world.case(elsewhere.cite, referent=elsewhere)
    noting(client, scene, synthesis="Il va chez les zébulons.")
    url = "/administration/listes/mot_sensible"
    for label, parent in (("zébulon", Subject.JUDGEMENT), ("place des Gitans", "mots_admis")):
        chief.submit(chief.get(url).form(holding="label"), label=label, parent=parent)
    assert "zébulons" in noting(client, scene, 422, synthesis="Il va chez les zébulons.").errors()
    noting(client, scene, synthesis="Rendez-vous place des Gitans.")
    theirs = client_of(elsewhere)
    form = theirs.get(f"/personnes/{other.id}/entretiens/nouveau").form(holding="synthesis")
    theirs.submit(form, synthesis="Il va chez les zébulons.")
    aside = next(
        form["action"] for form in chief.get(url).all("form") if form["action"].endswith("/ecarter")
        and "zébulon" in form.text()
    )  # fmt: skip
    chief.post(aside)
    noting(client, scene, synthesis="Il va chez les zébulons.")


def test_the_lexicon_is_asked_for_once_a_minute_and_only_when_something_is_written(
    scene: Scene, client_of: SignIn, count_queries: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(scene.referent)
    vocabulary.forget_lexicon(scene.referent.cite.id)

    def asked(**said: Any) -> int:
        with count_queries() as statements:
            noting(client, scene, **said)
        return sum("list_item" in each for each in statements)

    with count_queries() as statements:
        client.get(f"{scene.file}/entretiens/nouveau")
    assert not [each for each in statements if "list_item" in each]
    said = {"synthesis": "Bien.", "private_note": "Rien.", "next_step": "Appeler", "due_on": SOON}
    assert asked(**said) == 1 and asked(**said) == 0
    monkeypatch.setattr(vocabulary, "LEXICON_LIFE", -1.0)
    assert asked(synthesis="Bien.") == 1


# What the journal takes


@pytest.mark.parametrize(
    ("role", "cite", "subjects", "taken"),
    [
        ("referent", "own", ["mots_sante", "mots_justice"], True),
        ("referent", "own", [], True),
        ("referent", "own", ["prison"], False),
        ("referent", "own", [None], False),
        ("coordinator", "own", ["mots_sante"], False),
        ("referent", "other", ["mots_sante"], False),
        ("referent", None, ["mots_sante"], False),
    ],
)
def test_the_journal_takes_only_a_warning_that_could_have_been(
    role: str,
    cite: str | None,
    subjects: list[str],
    taken: bool,
    scene: Scene,
    world: World,
    databases: Databases,
) -> None:
    places = {"own": scene.referent.cite.id, "other": world.cite("Calais").id, None: ""}
    with databases.connected_as(
        "cityjobs_web", user_id=scene.referent.id, role=role, cite_id=places[cite]
    ) as connection:
        if taken:
            connection.execute("select audit.record_warnings(%s)", [subjects])
        else:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("select audit.record_warnings(%s)", [subjects])


def test_nobody_but_the_web_says_that_a_warning_was_passed(databases: Databases) -> None:
    with (
        databases.connected_as("cityjobs_worker", user_id=uuid.uuid4(), role="system") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("select audit.record_warnings('{mots_sante}')")
