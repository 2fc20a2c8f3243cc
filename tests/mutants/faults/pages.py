"""Faults in what pages are made of, in their headers and in what is logged: test_pages.py and test_scripts_in_text.py turn red."""

from tests.mutants.fault import Fault

PAGES, SCRIPTS = "tests/proofs/test_pages.py", "tests/proofs/test_scripts_in_text.py"
SILENT = f"{PAGES}::test_no_get_writes_anything_but_the_trace_and_the_presence"
TOKENS = f"{PAGES}::test_no_form_is_accepted_without_its_own_token"
HEADERS = f"{PAGES}::test_every_answer_has_its_headers"
REDIRECTS = f"{PAGES}::test_no_address_given_sends_anybody_away"
LOGS = f"{PAGES}::test_nothing_personal_is_ever_logged"
COLUMNS = f"{SCRIPTS}::test_every_column_shows_as_text_on_every_page"
FORMS = f"{SCRIPTS}::test_every_field_of_every_form_takes_it_as_text"
LETTERS = f"{SCRIPTS}::test_letters_hold_texts_and_no_header_of_anybody"
SHEETS = f"{SCRIPTS}::test_no_cell_computes_and_each_value_is_whole"
REPORTS = f"{SCRIPTS}::test_reports_print_it_literally"
BROWSER = f"{SCRIPTS}::test_a_browser_runs_nothing"

FAULTS = [
    Fault(
        SILENT,
        "opening a file notes it on the person",
        file="cityjobs/desk/views/file.py",
        was='    record_reading("person", file.person.id, file.person.cite_id)\n',
        becomes='    record_reading("person", file.person.id, file.person.cite_id)\n'
        "    from cityjobs.accounts.actions import forget_draft\n    forget_draft(uuid.UUID(int=0), 'x')\n",
    ),
    Fault(
        SILENT,
        "a trigger writes when somebody is present",
        sql="create function public.note() returns trigger language plpgsql security definer as $$ begin"
        " update user_account set phone = phone where id = new.user_id; return new; end $$;"
        " create trigger noted after update on sign_in_session for each row execute function public.note()",
    ),
    Fault(
        SILENT,
        "reading forgets what was being typed",
        file="cityjobs/desk/views/day.py",
        was='    """What waits for me, each thing acted on in place."""\n',
        becomes="    from cityjobs.core.db import db\n    import sqlalchemy as sa\n"
        '    db.session.execute(sa.text("delete from draft"))\n',
    ),
    Fault(
        TOKENS,
        "no token is asked for",
        file="cityjobs/core/web.py",
        was="    csrf.init_app(app)\n",
        becomes='    app.config["WTF_CSRF_CHECK_DEFAULT"] = False\n    csrf.init_app(app)\n',
    ),
    Fault(
        TOKENS,
        "signing out is excused from the token",
        file="cityjobs/accounts/views/door.py",
        was='@bp.post("/deconnexion")\n',
        becomes='@bp.post("/deconnexion")\n@__import__("cityjobs.core.web", fromlist=["csrf"]).csrf.exempt\n',
    ),
    Fault(
        TOKENS,
        "drafts are excused from the token",
        file="cityjobs/accounts/views/mine.py",
        was='@bp.put("/brouillons/<key>")\n',
        becomes='@bp.put("/brouillons/<key>")\n@__import__("cityjobs.core.web", fromlist=["csrf"]).csrf.exempt\n',
    ),
    Fault(
        HEADERS,
        "static files go undressed",
        file="cityjobs/core/web.py",
        was="    app.wsgi_app = dress_all(app.wsgi_app)",
        becomes="    dress_all(app.wsgi_app)",
    ),
    Fault(
        HEADERS,
        "downloads may be kept by a cache",
        file="cityjobs/core/web.py",
        was='    response.headers["Cache-Control"] = "no-store"\n',
        becomes='    response.headers.setdefault("Cache-Control", "no-store")\n',
    ),
    Fault(
        HEADERS,
        "inline scripts are allowed",
        file="cityjobs/core/web.py",
        was="script-src 'self';",
        becomes="script-src 'self' 'unsafe-inline';",
    ),
    Fault(
        REDIRECTS,
        "two slashes are taken for one",
        file="cityjobs/core/web.py",
        was='    if not target or not target.startswith("/") or target.startswith("//"):\n',
        becomes='    if not target or not target.startswith("/"):\n',
    ),
    Fault(
        REDIRECTS,
        "a backslash is taken for a letter",
        file="cityjobs/core/web.py",
        was="    return fallback if _ASTRAY.search(target) else target\n",
        becomes="    return target\n",
    ),
    Fault(
        REDIRECTS,
        "where to go on is taken as it is given",
        file="cityjobs/followups/views.py",
        was='    onward = safe_next(form.suite.data if posted else request.args.get("suite"), file_of(person_id))\n',
        becomes='    onward = (form.suite.data if posted else request.args.get("suite")) or file_of(person_id)\n',
    ),
    Fault(
        LOGS,
        "addresses are logged",
        file="cityjobs/core/journal.py",
        was='            "endpoint": request.endpoint,\n',
        becomes='            "endpoint": request.full_path,\n',
    ),
    Fault(
        LOGS,
        "what an exception says is logged",
        file="cityjobs/core/journal.py",
        was='        event["failures"] = [kind_of(each) for each in causes_of(failure)]\n',
        becomes='        event["failures"] = [repr(each) for each in causes_of(failure)]\n',
    ),
    Fault(
        LOGS,
        "a letter that fails is logged with its recipient",
        file="cityjobs/core/journal.py",
        was='OUTCOMES.get(record.levelname, "task"), ()\n',
        becomes='OUTCOMES.get(record.levelname, "task") + str(told), ()\n',
    ),
    Fault(
        COLUMNS,
        "the text of an exchange is trusted",
        file="templates/followups/interview.html",
        was="{{ writing.exchange.synthesis }}",
        becomes="{{ writing.exchange.synthesis|safe }}",
    ),
    Fault(
        COLUMNS,
        "pages are not escaped",
        file="cityjobs/core/web.py",
        was="    app.jinja_env.autoescape = True\n",
        becomes="    app.jinja_env.autoescape = False\n",
    ),
    Fault(
        BROWSER,
        "pages are not escaped, in a browser",
        file="cityjobs/core/web.py",
        was="    app.jinja_env.autoescape = True\n",
        becomes="    app.jinja_env.autoescape = False\n",
    ),
    Fault(
        FORMS,
        "what was typed comes back raw",
        file="cityjobs/core/web.py",
        was="    app.jinja_env.autoescape = True\n",
        becomes="    app.jinja_env.autoescape = False\n",
    ),
    Fault(
        LETTERS,
        "letters are not escaped",
        file="cityjobs/core/post.py",
        was='    html = pages.get_template(f"mail/{name}/letter.html")\n',
        becomes='    html = pages.overlay(autoescape=False).get_template(f"mail/{name}/letter.html")\n',
    ),
    Fault(
        SHEETS,
        "a name that begins with = is a formula",
        file="cityjobs/desk/export.py",
        was="                sheet.write_string(line, column, cell[:LONGEST_CELL])\n",
        becomes="                (sheet.write_formula if cell[0] == '=' else sheet.write_string)(line, column, cell)\n",
    ),
    Fault(
        SHEETS,
        "an address is a link",
        file="cityjobs/desk/export.py",
        was="                sheet.write_string(line, column, cell[:LONGEST_CELL])\n",
        becomes="                (sheet.write_url if '://' in cell[:9] else sheet.write_string)(line, column, cell)\n",
    ),
    Fault(
        SHEETS,
        "cells lose their first sign",
        file="cityjobs/desk/export.py",
        was="                sheet.write_string(line, column, cell[:LONGEST_CELL])\n",
        becomes='                sheet.write_string(line, column, cell[:LONGEST_CELL].lstrip("=+-@"))\n',
    ),
    Fault(
        REPORTS,
        "what is printed is read as markup",
        file="cityjobs/reporting/report.typ",
        was="  ..rows.flatten().map(cell => [#cell]),\n",
        becomes='  ..rows.flatten().map(cell => eval(cell, mode: "markup")),\n',
    ),
    Fault(
        REPORTS,
        "the name of the programme is a link",
        file="cityjobs/reporting/report.typ",
        was="#title()\n#d.subtitle\n",
        becomes='#title()\n#link("https://x/" + d.subtitle)[#d.subtitle]\n',
    ),
    Fault(
        LETTERS,
        "a subject holds the name of the programme",
        file="cityjobs/coordination/letters.py",
        was="        subject=entrusted_subject(len(lines)),\n",
        becomes='        subject=f"{entrusted_subject(len(lines))} {lines[0].cite_name}",\n',
    ),
    Fault(
        LETTERS,
        "a header is made of what the letter says",
        file="cityjobs/core/post.py",
        was='        message["Auto-Submitted"] = "auto-generated"\n',
        becomes='        message["Auto-Submitted"], message["X-Summary"] = "auto-generated", letter.text[:7]\n',
    ),
    Fault(
        f"{PAGES}::test_no_server_beside_us_logs_addresses",
        "gunicorn keeps an access log",
        file="deploy/gunicorn.conf.py",
        was="accesslog = None\n",
        becomes='accesslog = "-"\n',
    ),
]
