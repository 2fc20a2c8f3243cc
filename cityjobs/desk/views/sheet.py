"""« Mon parcours »: the sheet of a person, on the screen, on paper, as a PDF."""

import io
import uuid

from flask import Blueprint, abort, render_template, request, send_file
from flask.typing import ResponseReturnValue

from cityjobs.core.audit import record_reading
from cityjobs.core.clock import today
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.desk.queries.file import around, find_file
from cityjobs.desk.sheet import Sheet, Thing, print_sheet, things_to_print, write_sheet

bp = Blueprint("sheet", __name__, url_prefix="/personnes/<uuid:person_id>")


@bp.get("/mon-parcours")
@requires(Permission.FOLLOWUP_READ)
def show(person_id: uuid.UUID) -> ResponseReturnValue:
    """The sheet as a page that prints on one A5, and what it may hold, to be ticked."""
    sheet, things, chosen = _sheet_of(person_id)
    return render_template("desk/sheet.html", sheet=sheet, things=things, chosen=chosen, person_id=person_id)


@bp.get("/mon-parcours.pdf")
@requires(Permission.FOLLOWUP_READ)
def download(person_id: uuid.UUID) -> ResponseReturnValue:
    """The same as a PDF to keep or to send; its name says nothing of anybody."""
    return send_file(
        io.BytesIO(print_sheet(_sheet_of(person_id)[0])),
        mimetype="application/pdf",
        as_attachment=True,
        download_name="mon-parcours.pdf",
        conditional=False,
        etag=False,
    )


def _sheet_of(person_id: uuid.UUID) -> tuple[Sheet, list[Thing], list[uuid.UUID]]:
    """The sheet, what it may hold, and what of it was chosen: addresses hold identifiers, and nothing is kept."""
    file = find_file(person_id) or abort(404)
    record_reading("person", file.person.id, file.person.cite_id)
    beside = around(file, follows=True)
    things = things_to_print(beside, today())
    told = set(request.args.getlist("chose"))
    has_chosen = "choisi" in request.args
    chosen = [each.id for each in things if (str(each.id) in told if has_chosen else each.usually)]
    programme = f"Cité de l’emploi, {signed_in().cite_name}"
    return write_sheet(file, beside, things, chosen, programme=programme, on=today()), things, chosen
