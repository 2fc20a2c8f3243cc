"""One Cité with its professionals, and a way to look at rows as nobody in the application may."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import Databases
from tests.manners import PageClient
from tests.world import Case, Member, World


@dataclass(frozen=True)
class Scene:
    """Samira's case in Roubaix, and everybody who may come by."""

    samira: Member
    other: Member
    coordinator: Member
    spotter: Member
    figures: Member
    elsewhere: Member
    case: Case

    @property
    def url(self) -> str:
        """The file of the person."""
        return f"/personnes/{self.case.id}"


@pytest.fixture
def scene(world: World) -> Scene:
    """One person followed by Samira, spotted by somebody else."""
    cite, calais = world.cite("Roubaix"), world.cite("Calais")
    samira = world.member("referent", cite)
    spotter = world.member("spotter", cite, first_name="Yanis")
    return Scene(
        samira=samira,
        other=world.member("referent", cite, first_name="Julien"),
        coordinator=world.member("coordinator", cite, first_name="Claire"),
        spotter=spotter,
        figures=world.member("chef_de_file", cite),
        elsewhere=world.member("referent", calais),
        case=world.case(cite, referent=samira, spotted_by=spotter),
    )


@pytest.fixture
def rows(databases: Databases) -> Callable[..., list[Any]]:
    """Rows as they are, seen by the superuser."""

    def look(statement: str, *values: object) -> list[Any]:
        return databases.superuser.execute(statement, values).fetchall()

    return look


@pytest.fixture
def try_everyone(
    scene: Scene, client_of: Callable[[Any], PageClient], client: PageClient
) -> Callable[[str], None]:
    """Open a page as its owner, the coordinator, those who may not, those elsewhere, and nobody."""

    def open_as_everyone(url: str) -> None:
        for member, status in (
            (scene.samira, 200),
            (scene.coordinator, 200),
            (scene.other, 404),
            (scene.figures, 403),
            (scene.spotter, 403),
            (scene.elsewhere, 404),
        ):
            client_of(member).get(url, status=status)
        assert client.get(url, status=303).location.startswith("/connexion")

    return open_as_everyone


@pytest.fixture
def refuse_everyone(
    scene: Scene, client_of: Callable[[Any], PageClient], client: PageClient
) -> Callable[..., None]:
    """Post as each of those who may not."""

    def post_as_others(url: str, values: dict[str, Any]) -> None:
        for member, status in (
            (scene.other, 404),
            (scene.figures, 403),
            (scene.spotter, 403),
            (scene.elsewhere, 404),
        ):
            client_of(member).post(url, values, status=status)
        client.post(url, values, status=401)

    return post_as_others
