"""Pages of plans: goals, étapes, kept plans, agreements and papers."""

from flask import Flask

from cityjobs.plans.views import agreements, board, etapes, kept, papers
from cityjobs.plans.views.blueprint import bp


def init_app(app: Flask) -> None:
    """Attach the pages of plans."""
    for pages in (agreements, board, etapes, kept, papers):
        assert pages  # noqa: S101 - each hangs its pages on the blueprint when it is read
    app.register_blueprint(bp)
