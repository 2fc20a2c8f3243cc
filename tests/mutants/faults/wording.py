"""Faults in what is asked about free texts: tests/test_sensitive_words.py and the tests of the rules turn red."""

from tests.mutants.fault import Fault

PAGES = "tests/test_sensitive_words.py"
FIELDS = f"{PAGES}::test_every_free_text_about_somebody_is_watched_and_tried_here"
ASKED = f"{PAGES}::test_sensitive_words_come_back_once_to_be_read_again[FinishForm.result]"
REFUSED = f"{PAGES}::test_what_was_read_again_stays_so_when_something_else_is_refused"
OWN = f"{PAGES}::test_each_field_asks_for_itself"
TAKEN = f"{PAGES}::test_the_journal_takes_only_a_warning_that_could_have_been"
ORDINARY = "tests/core/test_wording.py::test_an_ordinary_sentence_warns_of_nothing"

FAULTS = [
    Fault(
        FIELDS,
        "a goal is a line like any other",
        file="cityjobs/plans/forms.py",
        was='    label = RemarkField("Avec vos mots")',
        becomes='    label = LineField("Avec vos mots")',
    ),
    Fault(
        ASKED,
        "a box once ticked covers words that come later",
        file="cityjobs/core/forms.py",
        was="        asked = [each for each in self.found if each.key not in self.reread]",
        becomes="        asked = [each for each in self.found if not self.reread]",
    ),
    Fault(
        REFUSED,
        "a warning leaves its trace before it is passed",
        file="cityjobs/core/audit.py",
        was="SENDING_ELSEWHERE = range(300, 400)",
        becomes="SENDING_ELSEWHERE = range(300, 500)",
    ),
    Fault(
        OWN,
        "the box of one field covers the others",
        file="cityjobs/core/forms.py",
        was='        own = (value.removeprefix(f"{self.name}:") for value in told if value.startswith(f"{self.name}:"))',
        becomes='        own = (value.partition(":")[2] for value in told)',
    ),
    Fault(
        TAKEN,
        "the journal takes a word for a subject",
        file="migrations/versions/0031_sensitive_words.py",
        was="if app.works_here(app.cite_id()) is not true\n     or exists (select from unnest(subjects) subject where not app.is_listed('sujet_sensible', subject, null)) then",
        becomes="if app.works_here(app.cite_id()) is not true then",
    ),
    Fault(
        ORDINARY,
        "a short word has every feminine",
        file="cityjobs/core/wording.py",
        was="_SHORT = 3",
        becomes="_SHORT = 2",
    ),
]
