"""Pages of a parcours: spotting, moving, following a job, freezing a situation, reading exits."""

from flask import Flask

from cityjobs.parcours.views import jobs, moves, readings, situations, spotting
from cityjobs.parcours.views.blueprint import bp

__all__ = ["bp", "init_app", "jobs", "moves", "readings", "situations", "spotting"]


def init_app(app: Flask) -> None:
    """Attach the pages of this room."""
    app.register_blueprint(bp)
