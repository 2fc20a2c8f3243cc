"""Faults about identifiers that are not checked, columns that any form may write, and saves that overwrite unseen."""

from tests.mutants.fault import Fault

FORGED = "tests/proofs/test_forged_requests.py"
INJECTED = "tests/proofs/test_injected_columns.py"
LOST = "tests/proofs/test_lost_updates.py"
OPEN = "drop policy web_sees on {0}; create policy web_sees on {0} for select to cityjobs_web using (true)"
FAULTS = [
    Fault(
        proof=FORGED,
        name="an organisation is edited from any Cité",
        file="cityjobs/territory/queries.py",
        was="wanted = sa.select(Organisation).where(Organisation.id == organisation_id, is_in_collective(cite_id))",
        becomes="wanted = sa.select(Organisation).where(Organisation.id == organisation_id)",
    ),
    Fault(
        proof=FORGED,
        name="a membership is found whatever its Cité",
        file="cityjobs/accounts/queries.py",
        was="_colleagues().where(Membership.id == membership_id, Membership.cite_id == cite_id)",
        becomes="_colleagues().where(Membership.id == membership_id)",
    ),
    Fault(
        proof=FORGED,
        name="a report is found by its identifier alone, and its policy shows every Cité's",
        file="cityjobs/reporting/queries.py",
        was="ActivityReport.id == report_id, ActivityReport.cite_id == cite_id",
        becomes="ActivityReport.id == report_id",
        sql=OPEN.format("activity_report"),
    ),
    Fault(
        proof=FORGED,
        name="a session is closed whoever it belongs to, and its policies allow it",
        file="cityjobs/accounts/actions.py",
        was="            SignInSession.id == session_id,\n            SignInSession.user_id == owner_id,\n            SignInSession.revoked_at.is_(None),",
        becomes="            SignInSession.id == session_id,\n            SignInSession.revoked_at.is_(None),",
        sql="; ".join(
            f"drop policy web_{what} on sign_in_session; create policy web_{what} on sign_in_session for {verb}"
            " to cityjobs_web using (true)"
            for what, verb in (("sees", "select"), ("changes", "update"))
        ),
    ),
    Fault(
        proof=FORGED,
        name="a step is found without its person and its Cité, and its policies show and change every one",
        file="cityjobs/followups/queries.py",
        was="NextStep.id == step_id, NextStep.person_id == person_id, NextStep.cite_id == acting().cite_id",
        becomes="NextStep.id == step_id",
        sql=f"{OPEN.format('next_step')}; drop policy web_changes on next_step;"
        " create policy web_changes on next_step for update to cityjobs_web using (true)",
    ),
    Fault(
        proof=FORGED,
        name="somebody else's file is forbidden instead of not there",
        file="cityjobs/desk/views/file.py",
        was="file = find_file(person_id) or abort(404)",
        becomes="file = find_file(person_id) or abort(403 if str(person_id).startswith('b0') else 404)",
    ),
    Fault(
        proof=INJECTED,
        name="a person takes a position from the form",
        file="cityjobs/people/views.py",
        was="        change_person(person, form.identity(), form.qpv_check(), today=today(), by=me.id)\n",
        becomes="        change_person(person, form.identity(), form.qpv_check(), today=today(), by=me.id)\n"
        "        person.latitude = float(request.form.get('latitude') or 0)\n",
    ),
    Fault(
        proof=INJECTED,
        name="a step takes its title from the form that settles it",
        file="cityjobs/followups/views.py",
        was="        finish_step(step, by=signed_in().id, result=form.result.data)\n",
        becomes="        finish_step(step, by=signed_in().id, result=form.result.data)\n"
        "        step.title = request.form.get('next_step[title]') or step.title\n",
    ),
    Fault(
        proof=INJECTED,
        name="settings take the flags of the address",
        file="cityjobs/territory/views.py",
        was="        actions.change_settings(cite, form.answers())\n",
        becomes="        actions.change_settings(cite, form.answers())\n"
        "        cite.labelled_year = int(request.values.get('labelled_year', cite.labelled_year))\n",
    ),
    Fault(
        proof=INJECTED,
        name="a spotter who says so becomes the référent",
        file="cityjobs/parcours/forms/spotting.py",
        was="becomes_referent=may_follow and bool(self.becomes_referent.data),",
        becomes="becomes_referent=bool(self.becomes_referent.data),",
        sql="drop policy web_adds on assignment;"
        " create policy web_adds on assignment for insert to cityjobs_web with check (true)",
    ),
    Fault(
        proof=LOST,
        name="identity is saved whatever its version",
        file="cityjobs/people/views.py",
        was="if form.version.data != person.version:",
        becomes="if False:",
    ),
    Fault(
        proof=LOST,
        name="an exchange is corrected whatever was saved meanwhile",
        file="cityjobs/followups/views.py",
        was="if form.version.data != found.version and form.exchange() != said_in(found):",
        becomes="if False:",
    ),
    Fault(
        proof=LOST,
        name="two envelopes are compared before waiting for each other",
        file="cityjobs/territory/queries.py",
        was="ProgrammeYear, (cite_id, year), with_for_update=_WAITING if to_change else None",
        becomes="ProgrammeYear, (cite_id, year)",
    ),
    Fault(
        proof=LOST,
        name="an organisation is not held while it is compared: the second sees an error, not both versions",
        file="cityjobs/territory/queries.py",
        was="wanted.with_for_update(key_share=True) if to_change else wanted",
        becomes="wanted",
    ),
    Fault(
        proof=LOST,
        name="a private note written anew begins at the version of the one dropped",
        file="cityjobs/followups/models.py",
        was="1 + secrets.randbelow(100_000_000)",
        becomes="1",
    ),
]
