"""Pages that one person reads across rooms."""

from flask import Flask

from cityjobs.desk.views import day, file, people


def init_app(app: Flask) -> None:
    """Attach my day, the file of a person and the list of people."""
    for pages in (day, file, people):
        app.register_blueprint(pages.bp)
