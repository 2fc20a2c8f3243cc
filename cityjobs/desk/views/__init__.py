"""Pages that one person reads across rooms."""

from flask import Flask

from cityjobs.desk.views import closing, day, file, people, sheet


def init_app(app: Flask) -> None:
    """Attach my day, the file of a person, its closing, the sheet they take home and the list of people."""
    for pages in (closing, day, file, people, sheet):
        app.register_blueprint(pages.bp)
