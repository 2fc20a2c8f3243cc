"""The session of a request is nobody else's."""

import uuid

from flask import Flask
from sqlalchemy.orm import Session

from cityjobs.core.audit import record_reading
from cityjobs.core.db import NOBODY, SYSTEM, act_as, acting, db


def test_a_context_inherits_nothing_from_one_whose_session_could_not_be_closed(app: Flask) -> None:
    """Sessions are found by the address of their context, which another one takes once it is gone."""
    coming = app.app_context()
    left = db.session.registry.registry[id(coming)] = Session()
    with app.app_context():
        mine = db.session()
        act_as(SYSTEM)
        record_reading("person", uuid.uuid4(), uuid.uuid4())
        left.info.update(mine.info)
    with coming:
        assert db.session() is not left
        assert acting() == NOBODY
        assert "reading" not in db.session().info
