"""Faults of speed: pages that ask once for each row, and searches that spare a comparison too many."""

from tests.mutants.fault import Fault

QUERIES = "tests/proofs/test_queries.py"
ORACLE = "tests/people/test_search_oracle.py"

FAULTS = [
    Fault(
        QUERIES,
        "the menu of Cités asks again on every page",
        file="cityjobs/accounts/views/presence.py",
        was='    return {"me": signed_in() if current_user.is_authenticated else None}\n',
        becomes="    from cityjobs.accounts.queries import memberships_of\n\n"
        "    me = signed_in() if current_user.is_authenticated else None\n"
        "    memberships_of(me.id) if me and me.has_several_cites else []\n"
        '    return {"me": me}\n',
    ),
    Fault(
        QUERIES,
        "the timeline asks who wrote each exchange",
        file="cityjobs/desk/queries/file.py",
        was="    return [Happening(*row) for row in rows[:size]], len(rows) > size\n",
        becomes="    for row in rows:\n"
        "        db.session.execute(sa.select(Interview.author_id).where(Interview.id == row.id)).all()\n"
        "    return [Happening(*row) for row in rows[:size]], len(rows) > size\n",
    ),
    Fault(
        QUERIES,
        "noting an exchange reads those of before one by one",
        file="cityjobs/followups/actions.py",
        was="    if not _write_interview(parcours, exchange, interview_id, author_id):\n",
        becomes="    for key in db.session.scalars(\n"
        "        Interview.__table__.select().with_only_columns(Interview.id).where(Interview.person_id == person.id)\n"
        "    ).all():\n"
        "        db.session.get(Interview, key)\n"
        "    if not _write_interview(parcours, exchange, interview_id, author_id):\n",
    ),
    Fault(
        ORACLE,
        "a signature is asked for more bits than two names share",
        sql="""do $$ begin execute replace(pg_get_functiondef('app.find_people'::regproc),
  'ceil(cardinality(grams) * 0.5)', 'ceil(cardinality(grams) * 0.8)'); end $$""",
    ),
    Fault(
        ORACLE,
        "bits that several groups of letters share are not forgiven",
        sql="""do $$ begin execute replace(pg_get_functiondef('app.look_alikes'::regproc),
  '* 0.7) - cardinality(grams) + bit_count(app.signature(grams))', '* 0.9)'); end $$""",
    ),
]
