"""The post: one letter, by SMTP. The only place from which mail leaves the house."""

import re
import smtplib
import uuid
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from flask import Flask, current_app


@dataclass(frozen=True)
class Letter:
    """A subject without names, and a body in plain text and in HTML."""

    subject: str
    text: str
    html: str


class InDoubt(Exception):
    """The whole letter was handed over and no answer came: perhaps it was taken, so it must not be handed over again."""


class Postman(Protocol):
    """Whoever carries letters. Raises OSError or smtplib.SMTPException when a letter was not taken, or InDoubt."""

    def send(self, letter: Letter, *, to: str, reference: uuid.UUID) -> None:
        """Hand one letter over; the reference makes its Message-ID, the same at each attempt."""
        ...


def write_letter(name: str, *, subject: str, **facts: object) -> Letter:
    """Render templates/mail/<name>/letter.txt and letter.html, from these facts alone: a letter is no page."""
    pages = current_app.jinja_env
    text = pages.overlay(autoescape=False).get_template(f"mail/{name}/letter.txt")
    html = pages.get_template(f"mail/{name}/letter.html")
    return Letter(subject=subject, text=text.render(**facts), html=html.render(subject=subject, **facts))


PATIENCE_ONCE_HANDED_OVER = 300.0
"""Seconds to wait for a mail server that has the whole letter: it may be storing it, or looking for viruses in it."""


class _Patient(smtplib.SMTP):
    """Tells apart a letter that was not taken from one of which nobody knows."""

    patience = PATIENCE_ONCE_HANDED_OVER

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Hand over the text. Raises InDoubt when the answer to its last dot does not come (RFC 5321 §6.1)."""
        text = msg.encode("ascii") if isinstance(msg, str) else bytes(msg)
        self.putcmd("data")
        code, said = self.getreply()
        if code != 354:
            raise smtplib.SMTPDataError(code, said)
        self.send(re.sub(rb"(?m)^\.", b"..", text).removesuffix(b"\r\n") + b"\r\n")
        assert self.sock is not None  # noqa: S101 - something was just said over it
        self.sock.settimeout(self.patience)
        try:
            self.send(b".\r\n")
            return self.getreply()
        except (OSError, smtplib.SMTPServerDisconnected) as lost:
            raise InDoubt from lost


class _PatientSecure(_Patient, smtplib.SMTP_SSL):
    """The same, over TLS from the first byte."""


class SmtpPostman:
    """Sends by SMTP to `smtp://[user:password@]host:port`, `smtp+starttls://…` or `smtps://…`."""

    def __init__(
        self, url: str, sender: str, timeout: float = 20.0, patience: float = PATIENCE_ONCE_HANDED_OVER
    ) -> None:
        self.url, self.sender, self.timeout, self.patience = urlsplit(url), sender, timeout, patience

    def send(self, letter: Letter, *, to: str, reference: uuid.UUID) -> None:
        """Hand one letter to the SMTP server."""
        message = EmailMessage(policy=SMTP)
        message["Subject"], message["From"], message["To"] = letter.subject, self.sender, to
        message["Message-ID"] = f"<{reference}@{self.sender.rsplit('@', 1)[-1].rstrip('>')}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        message.add_alternative(letter.html, subtype="html")
        connection = self._connect()
        try:
            connection.send_message(message)
            _say_goodbye(connection)
        finally:
            connection.close()

    def _connect(self) -> smtplib.SMTP:
        host, port = self.url.hostname or "localhost", self.url.port or 25
        secure = self.url.scheme == "smtps"
        connection = (_PatientSecure if secure else _Patient)(host, port, timeout=self.timeout)
        connection.patience = self.patience
        if self.url.scheme == "smtp+starttls":
            connection.starttls()
        if self.url.username:
            connection.login(unquote(self.url.username), unquote(self.url.password or ""))
        return connection


def _say_goodbye(connection: smtplib.SMTP) -> None:
    """The letter is taken: how the server answers to this does not matter, and is not waited for."""
    try:
        connection.putcmd("quit")
    except (OSError, smtplib.SMTPException):
        pass


def init_app(app: Flask) -> None:
    """Give the application its postman."""
    app.extensions["postman"] = SmtpPostman(app.config["SMTP_URL"], app.config["MAIL_FROM"])
