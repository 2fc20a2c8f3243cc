"""Help says what the application does."""

from typing import Any

import pytest

from cityjobs.core.clock import today
from cityjobs.core.grants import GRANTS, PERMISSION_LABELS, Permission, Role, in_words, told_to_me
from tests.accounts.conftest import House
from tests.manners import Element, Page, PageClient
from tests.world import World


def plain(text: str) -> str:
    """The text as `Element.text` gives it."""
    return " ".join(text.split())


def rights_in(section: Element) -> dict[str, set[str]]:
    """How far, and what may be done so far, as a page tells it to its reader."""
    titles, lists = section.all("h3"), section.all("ul")
    return {
        title.text(): {item.text() for item in actions.all("li")}
        for title, actions in zip(titles, lists, strict=True)
    }


def mine_on(page: Page) -> Element:
    (mine,) = page.all("section", id="moi")
    return mine


@pytest.mark.parametrize("role", list(Role))
def test_each_role_first_reads_its_own_rights(house: House, world: World, client_of: Any, role: Role) -> None:
    page = client_of(world.member(role, house.cite)).get("/aide/droits")
    expected: dict[str, set[str]] = {}
    for permission, given in GRANTS.items():
        if role in given:
            expected.setdefault(plain(told_to_me(given[role])), set()).add(
                plain(PERMISSION_LABELS[permission])
            )
    assert rights_in(mine_on(page)) == expected
    assert expected or "Votre rôle n’ouvre rien" in page.main()


def test_then_the_whole_table_as_the_gate_reads_it(house: House, client_of: Any) -> None:
    (table,) = client_of(house.referent).get("/aide/droits").all("table")
    shown = {
        row.all("th")[0].text(): [cell.text() for cell in row.all("td")]
        for row in table.all("tbody")[0].all("tr")
    }
    assert shown == {
        plain(PERMISSION_LABELS[permission]): [
            in_words(GRANTS[permission][role]) if role in GRANTS[permission] else "– non" for role in Role
        ]
        for permission in Permission
    }


def test_without_a_mission_there_are_no_rights(house: House, world: World, client_of: Any) -> None:
    former = world.member("coordinator", house.cite, ended_on=today())
    page = client_of(former).get("/aide/droits")
    assert rights_in(mine_on(page)) == {} and "pas de mission en cours" in page.main()


def test_rights_are_found_from_the_menu_the_account_and_help(
    house: House, client_of: Any, client: PageClient
) -> None:
    reader = client_of(house.referent)
    for place in ("/aide", "/compte"):
        page = reader.get(place)
        (main,), everywhere = page.all("main"), page.all("a", href="/aide/droits")
        assert main.all("a", href="/aide/droits"), place
        assert len(everywhere) > len(main.all("a", href="/aide/droits")), "nor in the menu"
    assert client.get("/aide/droits", status=303).location == "/connexion?suite=/aide/droits"


def test_help_tells_who_sees_whom_the_keys_and_the_rule(
    house: House, client_of: Any, client: PageClient
) -> None:
    page = client_of(house.referent).get("/aide").main()
    for said in ("Qui voit quelles personnes", "note privée", "Ctrl", "2022-100", "30 minutes", "12 heures"):
        assert said in page, said
    assert client.get("/aide", status=303).location == "/connexion?suite=/aide"
