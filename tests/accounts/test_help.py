"""Help says what the application does."""

from typing import Any

from cityjobs.core.permissions import GRANTS, PERMISSION_LABELS, Role
from tests.accounts.conftest import House
from tests.manners import PageClient


def test_the_table_of_help_is_the_table_of_grants(house: House, client_of: Any) -> None:
    page = client_of(house.referent).get("/aide")
    (table,) = page.all("table")
    shown = {}
    for row in table.all("tbody")[0].all("tr"):
        label = row.all("th")[0].text()
        shown[label] = {role for role, cell in zip(Role, row.all("td"), strict=True) if cell.all("svg")}
    assert shown == {PERMISSION_LABELS[permission]: set(roles) for permission, roles in GRANTS.items()}


def test_help_tells_who_sees_whom_the_keys_and_the_rule(
    house: House, client_of: Any, client: PageClient
) -> None:
    page = client_of(house.referent).get("/aide").main()
    for said in ("Qui voit quelles personnes", "note privée", "Ctrl", "2022-100", "30 minutes", "12 heures"):
        assert said in page, said
    assert client.get("/aide", status=303).location == "/connexion?suite=/aide"
