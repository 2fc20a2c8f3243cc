"""Pages of the shared diagnosis: filling it, reading its versions, seeing the progress, moving one frein."""

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Flask, abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from cityjobs.accounts.actions import forget_draft
from cityjobs.accounts.models import Draft
from cityjobs.core.audit import record_reading
from cityjobs.core.clock import today
from cityjobs.core.forms import chosen_answers
from cityjobs.core.permissions import Permission, requires, signed_in
from cityjobs.core.web import day, redirect_after, safe_next
from cityjobs.diagnosis.actions import (
    Refused,
    begin_diagnosis,
    finish_diagnosis,
    move_frein,
    save_freins,
    save_portrait,
    stand_in,
)
from cityjobs.diagnosis.forms import (
    ASKED,
    LISTED,
    BeginForm,
    DiagnosisForm,
    MoveFreinForm,
    chosen_in,
    data_of,
    diagnosis_form_of,
    typed_in,
)
from cityjobs.diagnosis.models import Diagnosis, Frein, FreinReading
from cityjobs.diagnosis.queries import (
    PORTRAIT,
    FreinThen,
    Version,
    draft_key,
    find_case,
    find_frein,
    find_open_diagnosis,
    freins_of,
    portrait_of,
    reading_of,
    readings_of,
    stands_at,
    versions_of,
)
from cityjobs.diagnosis.rules import (
    FREIN_OWNER_LABELS,
    FREIN_STATUS_LABELS,
    PROGRESS_LABELS,
    SEVERITY_LABELS,
    Beginning,
    FreinStand,
    FreinStatus,
    Progress,
    Reading,
    progresses,
    weight_of,
)
from cityjobs.parcours.actions import MoveRefused, hold_parcours, move_parcours
from cityjobs.parcours.models import Parcours
from cityjobs.parcours.queries.present import find_present_parcours
from cityjobs.parcours.rules.lifecycle import CLOSED_STATUSES, STATUS_LABELS, Event, Move, Status
from cityjobs.people.models import Person
from cityjobs.vocabulary.queries import Lists, find_rome_code, read_lists
from cityjobs.vocabulary.rules import ListName

bp = Blueprint("diagnosis", __name__, url_prefix="/personnes/<uuid:person_id>")
PRESENT = "maintenant"
CLOSED = "Ce parcours est clos\u00a0: son diagnostic se lit, mais ne se remplit plus."
NOT_MET = frozenset({Status.REPERE, Status.CONTACTE})


def load_case(person_id: uuid.UUID) -> tuple[Person, Parcours]:
    """The person and their present parcours, or 404; a page made from them is a reading of the file."""
    person, parcours = find_case(person_id) or abort(404)
    record_reading("person", person.id, person.cite_id)
    return person, parcours


def file_of(person_id: uuid.UUID) -> str:
    """Where the file of a person is."""
    return url_for("file.show", person_id=person_id)


def may_begin(parcours: Parcours) -> Beginning:
    """Whether a version may be begun now."""
    if parcours.status in CLOSED_STATUSES:
        return Beginning.CLOSED
    return Beginning.NOT_MET if parcours.status in NOT_MET else Beginning.POSSIBLE


# Beginning


@bp.post("/diagnostic/commencer")
@requires(Permission.DIAGNOSIS_WRITE)
def begin(person_id: uuid.UUID) -> ResponseReturnValue:
    """Open a version, a copy of the former one; the parcours may pass to the diagnosis in the same breath."""
    person, _ = load_case(person_id)
    parcours = find_present_parcours(person.id, to_change=True) or abort(404)
    here = url_for(".edit", person_id=person.id)
    form = BeginForm()
    versions = versions_of(parcours)
    if not form.accepted() or may_begin(parcours) is not Beginning.POSSIBLE:
        return home(person, parcours, versions, form), 422
    former = versions[-1].diagnosis if versions else None
    if former and former.finished_on is None:
        return redirect_after(here)
    begin_diagnosis(parcours, former, author_id=signed_in().id, today=today())
    if form.moves.data and parcours.status == Status.RENCONTRE:
        move = Move(Event.START_ASSESSMENT, today())
        try:
            moved = move_parcours(parcours, person, move, today=today(), recorded_by=signed_in().id)
        except MoveRefused as refused:
            flash(f"Le parcours n’a pas avancé. {refused}", "due")
        else:
            flash(f"Le parcours passe à «\u00a0{STATUS_LABELS[Status(moved.to_status)]}\u00a0».", "done")
    return redirect_after(here)


def home(person: Person, parcours: Parcours, versions: list[Version], form: BeginForm) -> str:
    """The page of a diagnosis that nobody is filling."""
    return render_template(
        "diagnosis/home.html",
        closed_sentence=CLOSED,
        person=person,
        versions=versions,
        form=form,
        beginning=may_begin(parcours).name,
        offers_move=parcours.status == Status.RENCONTRE,
    )


# Filling


@bp.route("/diagnostic", methods=["GET", "POST"])
@requires(Permission.DIAGNOSIS_WRITE)
def edit(person_id: uuid.UUID) -> ResponseReturnValue:
    """The version being filled, saved as one goes; without one, where to begin."""
    person, parcours = load_case(person_id)
    posted = request.method == "POST"
    if posted:
        hold_parcours(parcours)
    is_closed = parcours.status in CLOSED_STATUSES
    open_one = find_open_diagnosis(parcours) if posted else None
    versions = versions_of(parcours)
    diagnosis = open_one or next((v.diagnosis for v in versions if v.diagnosis.finished_on is None), None)
    if diagnosis is None and posted and versions and may_begin(parcours) is Beginning.POSSIBLE:
        return finished_meanwhile(person, parcours, versions)
    if diagnosis is None or (is_closed and not posted):
        form = BeginForm(formdata=None, data={"moves": True})
        return home(person, parcours, versions, form), 409 if posted else 200
    kept = Kept(parcours, diagnosis, to_change=posted)
    draft = versions[-1].draft if not posted else None
    form = kept.form_posted() if posted else kept.form_typed(draft) if draft else kept.form_kept()
    if is_closed:
        form.validate()
        form.form_errors.append(CLOSED)
    elif posted and form.accepted():
        if kept.is_overtaken(form):
            return render_template("diagnosis/conflict.html", **both_versions(person, kept, form)), 409
        answer = save(person, kept, form)
        if answer is not None:
            return answer
    return page_of(person, kept, form, versions, draft), 422 if form.errors else 200


class Kept:
    """The version being filled as it is kept, and the forms made from it."""

    def __init__(self, parcours: Parcours, diagnosis: Diagnosis, *, to_change: bool = False) -> None:
        self.parcours, self.diagnosis = parcours, diagnosis
        self.freins: dict[str, Frein] = freins_of(parcours, to_change=to_change)
        self.lists: Lists = read_lists(*ASKED)
        codes = tuple(item.code for item in self.lists.offered(ListName.FREIN))
        self.stands: dict[str, FreinStand] = {code: stand_in(self.freins.get(code)) for code in codes}
        self.portrait = portrait_of(diagnosis)
        self.seen = " ".join(f"{code}:{frein.version}" for code, frein in self.freins.items())
        self.kind = diagnosis_form_of(codes)

    def _form(self, formdata: Any, **more: Any) -> DiagnosisForm:
        data = {**data_of(self.portrait, self.stands), "version": self.diagnosis.version, "seen": self.seen}
        form = self.kind(formdata=formdata, data=data, **more)
        form.offer(self.lists, self.portrait, self.stands)
        return form

    def form_kept(self) -> DiagnosisForm:
        """As it is kept."""
        return self._form(None)

    def form_typed(self, draft: Draft) -> DiagnosisForm:
        """As it was being typed: with the versions read then, so that what was saved since is not undone."""
        return self._form(typed_in(draft.fields))

    def form_posted(self) -> DiagnosisForm:
        """As posted, or as chosen between two versions."""
        chosen = chosen_answers(request.form)
        return self._form(request.form if chosen is None else chosen_in(chosen))

    def is_overtaken(self, form: DiagnosisForm) -> bool:
        """Whether somebody saved something different after the page was read."""
        if form.version.data != self.diagnosis.version and form.portrait() != self.portrait:
            return True
        return bool(form.seen.data != self.seen and form.stands() != self.stands)


def save(person: Person, kept: Kept, form: DiagnosisForm) -> ResponseReturnValue | None:
    """Keep what the form says, and finish the version when asked; None when it is refused."""
    me, diagnosis = signed_in(), kept.diagnosis
    if not form.freins_stand(kept.stands, {code: f.identified_on for code, f in kept.freins.items()}):
        return None
    portrait, rome_code = form.portrait(), diagnosis.rome_code
    if portrait.occupation != diagnosis.occupation:
        rome_code = find_rome_code(portrait.occupation) if portrait.occupation else None
    save_portrait(diagnosis, portrait, rome_code=rome_code)
    save_freins(kept.parcours, kept.freins, form.stands(), by=me.id, today=today())
    if request.form.get("geste") == "terminer":
        try:
            finish_diagnosis(diagnosis, form.stands(), today=today())
        except Refused as refused:
            form.refuse(f"{form.codes[0]}_status", str(refused))
            return None
        forget_draft(me.id, draft_key(person.id))
        flash("Cette version du diagnostic est terminée\u00a0: elle ne change plus.", "done")
        return redirect_after(url_for(".version", person_id=person.id, version_number=diagnosis.number))
    forget_draft(me.id, draft_key(person.id))
    flash("Diagnostic enregistré. Vous pouvez continuer plus tard.", "done")
    return redirect_after(url_for(".edit", person_id=person.id))


def finished_meanwhile(person: Person, parcours: Parcours, versions: list[Version]) -> ResponseReturnValue:
    """The version was finished while somebody wrote: nothing is lost, it goes on in a new one when they say so."""
    last = versions[-1]
    if request.form.get("geste") == "reprendre":
        begin_diagnosis(parcours, last.diagnosis, author_id=signed_in().id, today=today())
        begun = find_open_diagnosis(parcours) or abort(409)
        kept = Kept(parcours, begun, to_change=True)
        form = kept.form_posted()
        answer = save(person, kept, form) if form.accepted() else None
        return answer or (page_of(person, kept, form, versions, None), 422)
    kept = Kept(parcours, last.diagnosis)
    form = kept.form_posted()
    form.validate()
    return page_of(person, kept, form, versions, None, finished=last), 409


def page_of(
    person: Person,
    kept: Kept,
    form: DiagnosisForm,
    versions: list[Version],
    draft: Draft | None,
    *,
    finished: Version | None = None,
) -> str:
    """The page to fill."""
    return render_template(
        "diagnosis/edit.html",
        person=person,
        diagnosis=kept.diagnosis,
        form=form,
        freins=kept.lists.offered(ListName.FREIN),
        versions=versions,
        draft=draft,
        draft_key=draft_key(person.id),
        finished=finished,
        stands=kept.stands,
    )


@bp.post("/diagnostic/brouillon")
@requires(Permission.DIAGNOSIS_WRITE)
def drop_draft(person_id: uuid.UUID) -> ResponseReturnValue:
    """Forget what was being typed in the diagnosis of a person."""
    load_case(person_id)
    forget_draft(signed_in().id, draft_key(person_id))
    flash("Brouillon effacé.", "done")
    return redirect_after(url_for(".edit", person_id=person_id))


def both_versions(person: Person, kept: Kept, form: DiagnosisForm) -> dict[str, Any]:
    """What the page of a conflict shows: the answers that differ, mine beside those saved meanwhile."""
    theirs = kept.form_kept()
    said, fields = {}, []
    for name in form.told():
        if form.raw(name) == theirs.raw(name):
            said[name] = form.raw(name)
            continue
        fields.append(
            {"name": name, "label": form[name].label.text, "mine": form.shown(name), "theirs": theirs.shown(name),
             "mine_raw": form.raw(name), "theirs_raw": theirs.raw(name)}
        )  # fmt: skip
    return {
        "person": person,
        "fields": fields,
        "version": kept.diagnosis.version,
        "kept": {**said, "seen": kept.seen, "geste": request.form.get("geste", "enregistrer")},
    }


# Reading


@bp.get("/diagnostic/<int:version_number>")
@requires(Permission.DIAGNOSIS_READ)
def version(person_id: uuid.UUID, version_number: int) -> ResponseReturnValue:
    """One finished version, and what changed since the one before.

    Situations and who deals with a frein are not frozen: only the last version, after which they did not change, tells them.
    """
    person, parcours = load_case(person_id)
    versions = versions_of(parcours)
    is_closed = parcours.status in CLOSED_STATUSES
    found = next((each for each in versions if each.diagnosis.number == version_number), None) or abort(404)
    if found.diagnosis.finished_on is None and not is_closed:
        return redirect_after(url_for(".edit", person_id=person.id))
    former = next((each for each in versions if each.diagnosis.number == version_number - 1), None)
    shown = [each.diagnosis for each in (former, found) if each]
    readings, lists = readings_of(shown), read_lists(*ASKED)
    stayed_open = found.diagnosis.finished_on is None
    rows, present = stands_as_closed(parcours) if stayed_open else stands_then(readings[found.diagnosis.id])
    stood = readings[former.diagnosis.id] if former else {}
    before = {code: reading_of(each.reading) for code, each in stood.items()}
    after = {code: reading_of(row) for code, row in rows.items()}
    labels = {name: lists.labels(listed) for name, listed in LISTED.items()}
    portrait = vars(portrait_of(found.diagnosis))
    return render_template(
        "diagnosis/version.html",
        person=person,
        shown=found,
        former=former,
        versions=versions,
        freins=[(item, rows[item.code]) for item in lists.items(ListName.FREIN) if item.code in rows],
        is_last=found is versions[-1],
        owners={code: frein.owner for code, frein in present.items()},
        situations={code: situations_in_words(lists, frein) for code, frein in present.items()},
        progresses=progresses(before, after) if former else {},
        portrait={
            n: labels[n].get(portrait[n], portrait[n]) if n in labels else portrait[n] for n in PORTRAIT
        },
    )


def stands_then(readings: Mapping[str, FreinThen]) -> tuple[Mapping[str, FreinReading], Mapping[str, Frein]]:
    """How freins stood in a version, and how they stand now."""
    present = {code: each.now for code, each in readings.items() if each.now}
    return {code: each.reading for code, each in readings.items()}, present


def stands_as_closed(parcours: Parcours) -> tuple[Mapping[str, Frein], Mapping[str, Frein]]:
    """How freins stand in a version left open by a closed parcours: they do not move any more."""
    told = {code: row for code, row in freins_of(parcours).items() if row.status != FreinStatus.NON_ABORDE}
    return told, told


def situations_in_words(lists: Lists, frein: Frein) -> list[str]:
    """What was ticked under a frein, in the order of the list."""
    return [item.label for item in lists.items(ListName.SITUATION) if item.code in frein.situations]


@bp.get("/diagnostic/progres")
@requires(Permission.DIAGNOSIS_READ)
def progress(person_id: uuid.UUID) -> ResponseReturnValue:
    """What became of each frein between two versions, or between one and now, drawn and in a table."""
    person, parcours = load_case(person_id)
    finished = [each for each in versions_of(parcours) if each.diagnosis.finished_on]
    points = [str(each.diagnosis.number) for each in finished] + ([PRESENT] if finished else [])
    start, end = chosen_points(points, len(finished))
    by_number = {str(each.diagnosis.number): each.diagnosis for each in finished}
    compared = [by_number[point] for point in {start, end} & by_number.keys()]
    stood = stands_at(parcours, compared, and_now=PRESENT in (start, end)) if points else {}
    before, after = (
        stood.get(by_number[point].id if point in by_number else None, {}) for point in (start, end)
    )
    names = {
        **{
            str(v.diagnosis.number): f"Version {v.diagnosis.number}, {day(v.diagnosis.finished_on)}"
            for v in finished
        },
        PRESENT: "Aujourd’hui",
    }
    items = read_lists(ListName.FREIN).items(ListName.FREIN)
    return render_template(
        "diagnosis/progress.html",
        person=person,
        choices=[(point, names[point]) for point in points],
        start=start,
        end=end,
        names=names,
        lines=progress_lines(items, before, after),
    )


def chosen_points(points: list[str], finished: int) -> tuple[str, str]:
    """The two ends asked for, the earlier one first; without a choice, the last two versions, or the last one and now."""
    if not points:
        return "", ""
    usual = (points[finished - 2], points[finished - 1]) if finished > 1 else (points[0], PRESENT)
    asked = (request.args.get("de"), request.args.get("a"))
    start, end = (said if said in points else other for said, other in zip(asked, usual, strict=True))
    return (start, end) if points.index(start) <= points.index(end) else (end, start)


KINDS = {
    Progress.LIFTED: "done",
    Progress.LIGHTER: "done",
    Progress.APPEARED: "due",
    Progress.CAME_BACK: "due",
    Progress.HEAVIER: "due",
}


def progress_lines(
    items: Any, before: Mapping[str, Reading], after: Mapping[str, Reading]
) -> list[dict[str, Any]]:
    """One line of the chart and of its table for each frein that was there at either end."""
    found = progresses(before, after)
    return [
        {
            "label": item.label,
            "sensitive": item.is_sensitive,
            "before": weight_of(before.get(item.code)),
            "after": weight_of(after.get(item.code)),
            "said_before": in_words(before.get(item.code)),
            "said_after": in_words(after.get(item.code)),
            "became": PROGRESS_LABELS[found[item.code]],
            "kind": KINDS.get(found[item.code], ""),
        }
        for item in items
        if item.code in found
    ]


def in_words(reading: Reading | None) -> str:
    """« Identifié, bloquant »."""
    if reading is None:
        return "Pas abordé"
    severity = SEVERITY_LABELS.get(reading.severity or 0)
    present = FREIN_STATUS_LABELS[reading.status]
    return f"{present}, {severity.lower()}" if severity and weight_of(reading) else present


# One frein


@bp.route("/freins/<uuid:frein_id>", methods=["GET", "POST"])
@requires(Permission.DIAGNOSIS_WRITE)
def move(person_id: uuid.UUID, frein_id: uuid.UUID) -> ResponseReturnValue:
    """One frein moves outside of a version: it is lifted, lighter, back."""
    person, parcours = load_case(person_id)
    posted = request.method == "POST"
    frein = find_frein(person.id, frein_id, to_change=posted) or abort(404)
    onward = safe_next(request.form.get("suite") if posted else request.args.get("suite"), file_of(person.id))
    form = MoveFreinForm() if posted else MoveFreinForm(formdata=None, data=asked_of(frein))
    form.offer(FreinStatus(frein.status))
    is_closed = parcours.status in CLOSED_STATUSES or frein.parcours_id != parcours.id
    overtaken = posted and form.version.data != frein.version
    if is_closed and posted:
        form.refuse("status", "Ce parcours est clos\u00a0: ses freins ne bougent plus.")
    elif not overtaken and form.holds():
        try:
            severity = int(form.severity.data) if form.severity.data else None
            becomes = FreinStatus(form.status.data or frein.status)
            move_frein(frein, becomes, on=form.on.data or today(), by=signed_in().id, severity=severity)
        except Refused as refused:
            form.refuse("status", str(refused))
        else:
            flash(f"C’est noté\u00a0: {FREIN_STATUS_LABELS[becomes].lower()}.", "done")
            return redirect_after(onward)
    form.version.data, form.suite.data = frein.version, onward
    lists = read_lists(ListName.FREIN, ListName.SITUATION)
    labels = lists.labels(ListName.FREIN)
    return render_template(
        "diagnosis/frein.html",
        person=person,
        frein=frein,
        label=labels.get(frein.code, frein.code),
        situations=situations_in_words(lists, frein),
        form=form,
        overtaken=overtaken,
        is_closed=is_closed,
        onward=onward,
    ), 409 if overtaken else 422 if form.errors else 200


def asked_of(frein: Frein) -> dict[str, Any]:
    """What the form of a move begins with: « lifted » where that may follow, or what the address says."""
    asked = request.args.get("vers", "")
    return {
        "status": asked if asked in tuple(FreinStatus) else frein.status,
        "on": today(),
        "version": frein.version,
    }


def init_app(app: Flask) -> None:
    """Attach the pages of the diagnosis."""
    app.register_blueprint(bp)
    app.jinja_env.globals["frein_words"] = {
        "statuses": FREIN_STATUS_LABELS,
        "severities": SEVERITY_LABELS,
        "owners": FREIN_OWNER_LABELS,
        "progress": PROGRESS_LABELS,
    }
