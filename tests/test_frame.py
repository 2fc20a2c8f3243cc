"""The frame itself."""

import pytest
from flask import Flask

from cityjobs.app import create_app
from cityjobs.core.permissions import RouteWithoutPermission
from tests.manners import PageClient


def test_somebody_not_signed_in_is_sent_to_sign_in(client: PageClient) -> None:
    assert client.get("/", status=303).location == "/connexion"


def test_a_route_without_permission_stops_the_application_from_starting(
    built_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cityjobs.app.home", lambda: "no permission named")
    with pytest.raises(RouteWithoutPermission, match="home"):
        create_app(built_app.config)
