"""An organisation that several Cités share: none of them unmasks it for the others."""

from typing import Any

from tests.world import World


def test_a_sensitive_organisation_is_not_unmasked_from_another_cite(world: World, client_of: Any) -> None:
    here, there = world.cite("Roubaix"), world.cite("Calais")
    shared = world.organisation(here, name="Le Relais", is_sensitive=True, kind="CSAPA")
    client = client_of(world.member("coordinator", there))
    form = client.get("/administration/organisations/nouvelle").form(holding="name")
    joined = client.submit(form, name="Le Relais", kind="CSAPA").location
    form = client.get(joined).form(holding="name")
    page = client.submit(form, sensitivity="no", status=422)
    assert "autre Cité" in page.errors()
    world.session.refresh(shared)
    assert shared.is_sensitive
    client.submit(form, phone="03 20 00 00 00")
