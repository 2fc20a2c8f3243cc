"""Pages about accounts: the door and its lock, one's own account, the members of a Cité, help."""

from flask import Flask

from cityjobs.accounts.views import door, help, links, members, mine, presence, throttle
from cityjobs.accounts.views.blueprint import bp


def init_app(app: Flask) -> None:
    """Attach everything; the accounts of a demonstration have a door on a demonstration alone."""
    presence.init_app(app)
    app.register_blueprint(bp)
    if app.config["ENVIRONMENT"] == "demo":
        app.add_url_rule("/connexion/demo", "accounts.sign_in_demo", door.sign_in_demo, methods=["POST"])
    throttle.init_app(app)


__all__ = ["door", "help", "init_app", "links", "members", "mine"]
