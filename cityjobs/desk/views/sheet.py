"""« Mon parcours »: the sheet of a person, on the screen, on paper, as a PDF."""

import io
import uuid

from flask import Blueprint, abort, render_template, send_file
from flask.typing import ResponseReturnValue

from cityjobs.core.audit import record_reading
from cityjobs.core.clock import today
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.desk.queries.file import around, find_file
from cityjobs.desk.sheet import Sheet, print_sheet, write_sheet

bp = Blueprint("sheet", __name__, url_prefix="/personnes/<uuid:person_id>")


@bp.get("/mon-parcours")
@requires(Permission.FOLLOWUP_READ)
def show(person_id: uuid.UUID) -> ResponseReturnValue:
    """The sheet as a page that prints on one A5."""
    return render_template("desk/sheet.html", sheet=_sheet_of(person_id), person_id=person_id)


@bp.get("/mon-parcours.pdf")
@requires(Permission.FOLLOWUP_READ)
def download(person_id: uuid.UUID) -> ResponseReturnValue:
    """The same as a PDF to keep or to send; its name says nothing of anybody."""
    return send_file(
        io.BytesIO(print_sheet(_sheet_of(person_id))),
        mimetype="application/pdf",
        as_attachment=True,
        download_name="mon-parcours.pdf",
        conditional=False,
        etag=False,
    )


def _sheet_of(person_id: uuid.UUID) -> Sheet:
    file = find_file(person_id) or abort(404)
    record_reading("person", file.person.id, file.person.cite_id)
    programme = f"Cité de l’emploi, {signed_in().cite_name}"
    return write_sheet(file, around(file, follows=True), programme=programme, on=today())
