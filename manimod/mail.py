"""Mail through the operator's SMTP server. Without SMTP_URL nothing is sent, and the pages say it all anyway."""

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from manimod.config import settings

TIMEOUT_SECONDS = 5


class MailNotSent(Exception):
    """The server could not be reached or refused the message."""


def is_configured() -> bool:
    return settings().smtp_url is not None


def send(recipients: list[str], subject: str, text: str) -> None:
    """One message to each recipient, so that none sees the others. Raises MailNotSent."""
    try:
        with _connect() as server:
            for recipient in recipients:
                server.send_message(_message(recipient, subject, text))
    except (OSError, smtplib.SMTPException) as error:
        raise MailNotSent(type(error).__name__) from None


def _message(recipient: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = settings().mail_from
    message["To"] = recipient
    message["Subject"] = " ".join(subject.split())
    message.set_content(text)
    return message


def _connect() -> smtplib.SMTP:
    """`smtps://` is TLS from the start; `smtp://` turns to TLS where it is offered, and must before a password."""
    url = urlsplit(settings().smtp_url)
    if url.scheme == "smtps":
        server = smtplib.SMTP_SSL(
            url.hostname, url.port or 465, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
        )
    else:
        server = smtplib.SMTP(url.hostname, url.port or 587, timeout=TIMEOUT_SECONDS)
        server.ehlo()
        if server.has_extn("starttls") or url.username:
            server.starttls(context=ssl.create_default_context())
    if url.username:
        server.login(unquote(url.username), unquote(url.password or ""))
    return server
