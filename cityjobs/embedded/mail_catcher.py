"""A post office for one machine: takes every letter by SMTP, keeps it on disk, shows it on a page.

Nothing leaves the machine. The page escapes everything, runs no script and answers only to loopback names.
"""

import argparse
import asyncio
import html
import itertools
import os
import re
import socket
import threading
import time
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

KEPT_LETTERS = 1000
SHOWN_LETTERS = 200
LARGEST_LETTER = 20_000_000  # bytes

_NAME = re.compile(r"\d{16,}-\d+-\d+")
_ADDRESS = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")
_LOOPBACK = {"127.0.0.1", "localhost"}
_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .4rem .6rem;
border-bottom: 1px solid #bbb; overflow-wrap: anywhere; } caption { text-align: left; padding: .4rem 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #bbb; padding: 1rem; }
a { color: #0b4a8f; } a:focus { outline: 3px solid #0b4a8f; outline-offset: 2px; }
dt { font-weight: 600; } dd { margin: 0 0 .4rem; overflow-wrap: anywhere; }
"""


class LetterBox:
    """Letters as files `<nanoseconds>-<pid>-<rank>.eml` in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._ranks = itertools.count()
        directory.mkdir(mode=0o700, exist_ok=True)

    def keep(self, content: bytes) -> None:
        """Write one letter; beyond KEPT_LETTERS the oldest goes."""
        name = f"{time.time_ns()}-{os.getpid()}-{next(self._ranks)}"
        partial = self.directory / f".{name}.part"
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        partial.rename(self.directory / f"{name}.eml")
        for old in self.names()[KEPT_LETTERS:]:
            (self.directory / f"{old}.eml").unlink(missing_ok=True)

    def names(self) -> list[str]:
        """Newest first."""
        return sorted(
            (file.stem for file in self.directory.glob("*.eml")),
            key=lambda name: int(name.split("-")[0]),
            reverse=True,
        )

    def find_source(self, name: str) -> bytes | None:
        if not _NAME.fullmatch(name):
            return None
        try:
            return (self.directory / f"{name}.eml").read_bytes()
        except FileNotFoundError:
            return None


class Reception:
    """What aiosmtpd calls for each letter."""

    def __init__(self, box: LetterBox) -> None:
        self.box = box

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        content = envelope.content or b""
        self.box.keep(content if isinstance(content, bytes) else content.encode())
        return "250 Message accepted for delivery"


class Page(BaseHTTPRequestHandler):
    """The list of letters, one letter, its source."""

    box: LetterBox
    server_version = "CityJobs"
    sys_version = ""

    def do_GET(self) -> None:
        if (self.headers.get("Host") or "").rpartition(":")[0] not in _LOOPBACK:
            self._answer(400, "text/plain", b"")
        elif self.path == "/":
            self._answer_page(200, "Lettres reçues", list_page(self.box))
        elif self.path == "/style.css":
            self._answer(200, "text/css", _STYLE.encode())
        elif self.path.startswith("/lettres/"):
            self._answer_letter(self.path.removeprefix("/lettres/"))
        else:
            self._answer_page(404, "Introuvable", "<p>Cette page n’existe pas.</p>")

    def _answer_letter(self, wanted: str) -> None:
        source = self.box.find_source(wanted.removesuffix("/source"))
        if source is None:
            self._answer_page(404, "Introuvable", "<p>Cette lettre n’existe pas ou plus.</p>")
        elif wanted.endswith("/source"):
            self._answer(200, "text/plain", source)
        else:
            letter = parse_letter(source)
            self._answer_page(200, subject_of(letter), letter_page(wanted, letter))

    def _answer_page(self, status: int, title: str, body: str) -> None:
        shown = html.escape(title)
        page = (
            '<!doctype html><html lang="fr"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f'<title>{shown} – Courrier de CityJobs</title><link rel="stylesheet" href="/style.css"></head>'
            f"<body><main><h1>{shown}</h1>{body}</main></body></html>"
        )
        self._answer(status, "text/html", page.encode())

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header(
            "Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'"
        )
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: addresses of letters are nobody's business."""


def parse_letter(source: bytes) -> EmailMessage:
    return BytesParser(policy=policy.default).parsebytes(source)


def subject_of(letter: EmailMessage) -> str:
    return str(letter["Subject"] or "(sans objet)")


def list_page(box: LetterBox) -> str:
    rows = []
    for name in box.names()[:SHOWN_LETTERS]:
        source = box.find_source(name)
        if source is None:
            continue
        letter = parse_letter(source)
        rows.append(
            f"<tr><td>{arrival(name)}</td><td>{html.escape(str(letter['To'] or ''))}</td>"
            f'<td><a href="/lettres/{name}">{html.escape(subject_of(letter))}</a></td></tr>'
        )
    if not rows:
        return "<p>Aucune lettre pour l’instant. Rechargez la page pour voir les nouvelles.</p>"
    return (
        "<table><caption>Ce que CityJobs a envoyé depuis cette machine, le plus récent d’abord</caption>"
        '<thead><tr><th scope="col">Reçue</th><th scope="col">Pour</th>'
        '<th scope="col">Objet</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def letter_page(name: str, letter: EmailMessage) -> str:
    body = letter.get_body(("plain", "html"))
    text = str(body.get_content()) if body is not None else ""
    enclosed = [part.get_filename() or part.get_content_type() for part in letter.iter_attachments()]
    fields = [("De", letter["From"]), ("Pour", letter["To"]), ("Date", letter["Date"])]
    if enclosed:
        fields.append(("Pièces jointes", ", ".join(enclosed)))
    described = "".join(
        f"<dt>{label}</dt><dd>{html.escape(str(value or ''))}</dd>" for label, value in fields
    )
    return (
        f"<dl>{described}</dl><pre>{with_links(text)}</pre>"
        f'<p><a href="/lettres/{name}/source">Source de la lettre</a></p>'
        '<p><a href="/">Toutes les lettres</a></p>'
    )


def with_links(text: str) -> str:
    """Escaped text in which web addresses can be followed."""
    pieces = []
    end = 0
    for found in _ADDRESS.finditer(text):
        address = html.escape(found.group())
        pieces += [
            html.escape(text[end : found.start()]),
            f'<a href="{address}" rel="noreferrer">{address}</a>',
        ]
        end = found.end()
    return "".join([*pieces, html.escape(text[end:])])


def arrival(name: str) -> str:
    return time.strftime("%d/%m/%Y %H:%M:%S", time.localtime(int(name.split("-")[0]) / 1e9))


async def receive(box: LetterBox, listening: socket.socket) -> None:
    """Take letters until the end of the program."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(
            Reception(box), data_size_limit=LARGEST_LETTER, enable_SMTPUTF8=True, hostname="localhost"
        ),
        sock=listening,
    )
    async with server:
        await server.serve_forever()


def show(box: LetterBox, listening: socket.socket) -> None:
    """Serve the page from a thread of its own."""
    page = type("PageOfBox", (Page,), {"box": box})
    server = ThreadingHTTPServer(listening.getsockname(), page, bind_and_activate=False)
    server.socket.close()
    server.socket = listening
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main() -> None:
    """Run on two sockets already listening, given by their numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--smtp", type=int, required=True, help="number of the listening SMTP socket")
    parser.add_argument("--page", type=int, required=True, help="number of the listening HTTP socket")
    asked = parser.parse_args()
    box = LetterBox(asked.directory)
    show(box, socket.socket(fileno=asked.page))
    asyncio.run(receive(box, socket.socket(fileno=asked.smtp)))


if __name__ == "__main__":
    main()
