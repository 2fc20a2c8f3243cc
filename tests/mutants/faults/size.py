"""Faults of size: an index that is missing, a query for each row, a demo that is not the one asked for."""

from tests.mutants.fault import Fault

PLANS = "tests/proofs/test_plans.py"
GENERATOR = "tests/demo/test_bulk.py"
LOADED = "tests/demo/test_bulk_loaded.py"

FAULTS = [
    Fault(
        proof=PLANS,
        name="figures read the assignments of the whole country",
        sql="drop index ix_assignment_cite",
    ),
    Fault(
        proof=PLANS,
        name="the file of a person is looked for in a whole Cité",
        sql="drop index ix_interview_person_held",
    ),
    Fault(
        proof=PLANS,
        name="what comes next for a person is looked for in the whole country",
        sql="drop index ix_next_step_person",
    ),
    Fault(
        proof=PLANS,
        name="the ledger of a Cité is looked for in the whole one",
        sql="drop index ix_reminder_cite_state",
    ),
    Fault(
        proof="tests/desk/test_people_list.py::test_queries_are_as_many_at_1_20_and_200_rows",
        name="the list asks again for each row",
        file="cityjobs/desk/queries/people.py",
        was="        return db.session.execute(self.statements.rows, {**self.given, **shown}).all()\n",
        becomes="        found = db.session.execute(self.statements.rows, {**self.given, **shown}).all()\n"
        "        for row in found:\n"
        "            db.session.execute(sa.select(User.id).where(User.id == row.referent_id)).all()\n"
        "        return found\n",
    ),
    Fault(
        proof=GENERATOR,
        name="the bulk demo ignores its seed",
        file="cityjobs/demo/loading.py",
        was='dice = Random(f"{self.seed} {share.slug}")',
        becomes='dice = Random(f"2026 {share.slug}")',
    ),
    Fault(
        proof=GENERATOR,
        name="the bulk demo throws dice that no seed rules",
        file="cityjobs/demo/lives.py",
        was="        bits = self.dice.getrandbits(128)\n",
        becomes="        bits = Random().getrandbits(128)\n",
    ),
    Fault(
        proof=LOADED,
        name="the bulk demo takes the first contact for the last",
        file="cityjobs/demo/lives.py",
        was="text[max(contacts)]",
        becomes="text[min(contacts)]",
    ),
    Fault(
        proof=LOADED,
        name="the journal stays silent after the bulk demo",
        file="cityjobs/demo/loading.py",
        was='run(f"alter table {table} enable trigger {name}")',
        becomes='run(f"alter table {table} disable trigger {name}")',
    ),
    Fault(
        proof=LOADED,
        name="row policies are no longer forced after the bulk demo",
        file="cityjobs/demo/loading.py",
        was='run(f"alter table {table} force row level security")',
        becomes='run(f"alter table {table} enable row level security")',
    ),
]
