"""The main job, in one breath: log a follow-up, assign, be reminded, review. At a desk, then on a phone."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from email.message import EmailMessage

import pytest

from cityjobs.core.clock import today
from cityjobs.reminders.rules import working_day_after
from tests.browser.conftest import Product, Visitor, wait_until

REFERENT = "referent@roubaix.example"
COORDINATOR = "coordination@roubaix.example"
CHEF_DE_FILE = "chef-de-file@roubaix.example"
COLLEAGUE = "Aurélie Fabliaux"
COLLEAGUE_ADDRESS = "aurelie.fabliaux@roubaix.example"


def exchanges_counted(visitor: Visitor) -> int:
    """The figure « Échanges » of this month, as the page shows it."""
    visitor.go("/pilotage?periode=mois")
    link = visitor.page.locator("main a[href*='figure=ind_echanges']").first
    found = re.search(r"\d[\d\u202f]*", link.text_content() or "")
    assert found, link.text_content()
    return int(found[0].replace("\u202f", ""))


TOMORROW_MORNING = working_day_after(today())
THE_MORNING_AFTER = working_day_after(TOMORROW_MORNING)


@pytest.mark.parametrize(
    ("width", "morning"),
    [
        pytest.param(360, TOMORROW_MORNING, id="phone"),
        pytest.param(1280, THE_MORNING_AFTER, id="desk", marks=pytest.mark.soak),
    ],
)
def test_from_a_misspelt_name_to_the_figures(
    width: int, morning: date, visit: Callable[[int], Visitor], product: Product
) -> None:
    chef_de_file = visit(width)
    chef_de_file.sign_in(CHEF_DE_FILE)
    counted_before = exchanges_counted(chef_de_file)

    what = f"Apporter l’attestation au guichet {width}"
    referent = visit(width)
    referent.sign_in(REFERENT)
    link = find_khadija(referent)
    log_exchange(referent, what)

    letters_before = len(product.letters_to(COLLEAGUE_ADDRESS))
    coordinator = visit(width)
    coordinator.sign_in(COORDINATOR)
    names = assign_two(coordinator)

    wait_until(lambda: any_letter(product, COLLEAGUE_ADDRESS, since=letters_before), 60)
    letter = product.letters_to(COLLEAGUE_ADDRESS)[-1]
    assert not any(name in f"{letter['Subject']} {body_of(letter)}" for name in names), (
        "a letter holds no name"
    )

    already = len(product.letters_to(REFERENT))
    product.flask("reminders", "send", "--at", f"{morning.isoformat()}T08:00")
    wait_until(lambda: reminders_holding(link, product, since=already) != [], 60)
    for reminder in reminders_holding(link, product, since=already):
        assert "Khadija" not in f"{reminder['Subject']} {body_of(reminder)}", "a reminder holds no name"

    assert exchanges_counted(chef_de_file) == counted_before + 1
    open_rows(chef_de_file, counted_before + 1)


def find_khadija(visitor: Visitor) -> str:
    """Two mistakes in the name, and the file is found all the same; returns its address."""
    visitor.page.locator("[name=q]").first.fill("Kadija Benikaya")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url(re.compile("/personnes"))
    visitor.check()
    visitor.page.get_by_role("link", name="Khadija Benhikaya").click()
    visitor.page.wait_for_url(re.compile("/personnes/[0-9a-f-]{36}"))
    visitor.check()
    return visitor.page.url


def log_exchange(visitor: Visitor, what: str) -> None:
    """With the keyboard: what was said, a next step for tomorrow, Ctrl + Entrée."""
    visitor.page.get_by_label("Ce qui s’est dit").fill("Elle a trouvé une place en crèche.")
    visitor.page.get_by_label(re.compile("^Prochaine étape")).fill(what)
    visitor.page.get_by_label(re.compile("^Pour le")).fill((today() + timedelta(days=1)).isoformat())
    visitor.page.keyboard.press("Control+Enter")
    visitor.page.get_by_role("status").filter(
        has_text=re.compile("enregistré|noté", re.IGNORECASE)
    ).first.wait_for()
    visitor.check()
    assert what in visitor.page.inner_text("main")


def assign_two(visitor: Visitor) -> list[str]:
    """The two who have waited longest go to a colleague; returns their names."""
    visitor.go("/coordination")
    boxes = visitor.page.get_by_role("checkbox", name=re.compile("^Choisir "))
    names = [
        (
            boxes.nth(rank).get_attribute("aria-label")
            or boxes.nth(rank).evaluate("e => e.labels[0].textContent")
        )
        for rank in range(2)
    ]
    for rank in range(2):
        boxes.nth(rank).press(" ")
    target = visitor.page.locator("select[name=target]").first
    target.select_option(target.locator("option", has_text=COLLEAGUE).first.get_attribute("value"))
    visitor.page.get_by_role("button", name="Attribuer").first.click()
    visitor.page.wait_for_url(re.compile("/coordination/attributions/"))
    visitor.check()
    shown = visitor.page.inner_text("main")
    cleaned = [name.strip().removeprefix("Choisir ") for name in names]
    assert all(name in shown for name in cleaned), (cleaned, shown)
    return cleaned


def body_of(letter: EmailMessage) -> str:
    """The plain text of a letter."""
    body = letter.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def reminders_holding(link: str, product: Product, *, since: int) -> list[EmailMessage]:
    """Letters to the référent, after the first ones, that lead to a file by its initials."""
    letters = product.letters_to(REFERENT)[since:]
    return [letter for letter in letters if link in body_of(letter) and "K… B…" in body_of(letter)]


def any_letter(product: Product, address: str, *, since: int) -> bool:
    """Whether more letters than before have arrived."""
    return len(product.letters_to(address)) > since


def open_rows(visitor: Visitor, number: int) -> None:
    """The figure opens as many rows as it says, without a name."""
    visitor.page.locator("main a[href*='figure=ind_echanges']").first.click()
    visitor.page.wait_for_url(re.compile("/pilotage/lignes"))
    visitor.check()
    shown = visitor.page.inner_text("main")
    assert re.search(rf"\b{number}\b", shown), shown[:400]
    assert "Khadija" not in shown
