"""Letters are kept and shown, and whatever they contain stays text."""

import http.client
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from cityjobs.embedded.mail_catcher import KEPT_LETTERS, LetterBox, with_links
from tests.embedded.conftest import ROOT


@pytest.fixture
def post_office(home: Path) -> Iterator[tuple[int, int]]:
    """The SMTP port and the page's port of a running mail catcher."""
    with socket.create_server(("127.0.0.1", 0)) as smtp, socket.create_server(("127.0.0.1", 0)) as page:
        argv = [sys.executable, "-m", "cityjobs.embedded.mail_catcher", str(home / "mails")]
        argv += ["--smtp", str(smtp.fileno()), "--page", str(page.fileno())]
        child = subprocess.Popen(argv, cwd=ROOT, pass_fds=(smtp.fileno(), page.fileno()))
        try:
            yield smtp.getsockname()[1], page.getsockname()[1]
        finally:
            child.terminate()
            child.wait(10)


def read(page: int, path: str, host: str = "127.0.0.1:80") -> tuple[int, str, str | None]:
    """The status, the body and the policy of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", page, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers["Content-Security-Policy"]
    finally:
        connection.close()


def test_a_letter_is_listed_and_shown_escaped(post_office: tuple[int, int], home: Path) -> None:
    port, page = post_office
    letter = EmailMessage()
    letter["From"], letter["To"] = "ne-pas-repondre@cityjobs.example", "referent@roubaix.example"
    letter["Subject"] = "Une échéance <script>alert(1)</script>"
    letter.set_content("Voir http://127.0.0.1:8000/personnes?a=1&b=2. <b>Merci</b>")
    letter.add_alternative("<p>Voir <script>alert(2)</script></p>", subtype="html")
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.send_message(letter)

    _, listed, policy = read(page, "/")
    assert "Une échéance &lt;script&gt;" in listed
    assert "<script" not in listed
    assert "default-src 'none'" in str(policy)
    (kept,) = (home / "mails").glob("*.eml")
    assert kept.stat().st_mode & 0o777 == 0o600
    _, shown, _ = read(page, f"/lettres/{kept.stem}")
    assert '<a href="http://127.0.0.1:8000/personnes?a=1&amp;b=2"' in shown
    assert "&lt;b&gt;Merci&lt;/b&gt;" in shown
    assert "<script" not in shown
    assert "alert(2)" in read(page, f"/lettres/{kept.stem}/source")[1]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/lettres/..%2f..%2fetc%2fpasswd", 404),
        ("/lettres/../../secrets.json", 404),
        ("/lettres/1700000000000000000-1-1", 404),
        ("/ailleurs", 404),
    ],
)
def test_answers_nothing_else(post_office: tuple[int, int], path: str, status: int) -> None:
    assert read(post_office[1], path)[0] == status


def test_another_host_name_is_refused(post_office: tuple[int, int]) -> None:
    status, body, _ = read(post_office[1], "/", "intrus.example:80")
    assert (status, body) == (400, "")


def test_the_oldest_letters_go_first(tmp_path: Path) -> None:
    box = LetterBox(tmp_path)
    for rank in range(KEPT_LETTERS):
        (tmp_path / f"1{rank:018d}-1-1.eml").touch()
    box.keep(b"newest")
    assert len(box.names()) == KEPT_LETTERS
    assert box.find_source(box.names()[0]) == b"newest"
    assert not (tmp_path / f"1{0:018d}-1-1.eml").exists()


def test_links_never_break_out_of_their_attribute() -> None:
    assert with_links('http://a.example/"onclick="x') == (
        '<a href="http://a.example/" rel="noreferrer">http://a.example/</a>&quot;onclick=&quot;x'
    )
