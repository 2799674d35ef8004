"""There is one alert while a check is broken, with one mail when it breaks and one when it works again."""

import socketserver
import ssl
import threading
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from manimod import tasks
from manimod.diagnostics import alerts
from manimod.extensions import MailNotSent, send_mail
from manimod.jobs import transaction
from manimod.models import Alert, Health
from manimod.models.accounts import now
from manimod.stripe import connections
from tests import factories


class Mailbox(socketserver.ThreadingTCPServer):
    """An SMTP server that takes what it is given. RFC 5321, as much of it as smtplib says."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, context=None, is_tls=False):
        self.mails, self.context = [], context
        super().__init__(("127.0.0.1", 0), Talk)
        if is_tls:
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request, client_address):
        """A client that does not trust the certificate hangs up."""


class Talk(socketserver.StreamRequestHandler):
    def handle(self):
        self.say("220 here")
        for line in self.rfile:
            word = line.split()[0].upper()
            if word == b"DATA":
                self.say("354 go on")
                lines = iter(lambda: self.rfile.readline(), b".\r\n")
                self.server.mails.append(b"".join(lines).decode())
                self.say("250 taken")
            elif word == b"EHLO" and self.server.context:
                self.say("250-here\r\n250 STARTTLS")
            elif word == b"STARTTLS":
                self.say("220 go on")
                self.server.context.wrap_socket(self.request, server_side=True)
            elif word == b"QUIT":
                self.say("221 bye")
                break
            else:
                self.say("250 fine")

    def say(self, words):
        self.wfile.write(f"{words}\r\n".encode())


@pytest.fixture
def mailbox(app):
    with Mailbox() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        use_server(app, f"smtp://127.0.0.1:{server.server_address[1]}")
        yield server.mails
        server.shutdown()


def use_server(app, url):
    settings = app.extensions["settings"]
    app.extensions["settings"] = factories.make_settings(
        settings.database_url, settings.redis_url, SMTP_URL=url, MAIL_FROM="mani@example.com"
    )


@pytest.fixture
def untrusted(tmp_path):
    """A server's TLS, with a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "server.pem").write_bytes(private + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    return context


@pytest.fixture
def broken(account, owner, connected):
    """What is broken is the key: Stripe has rejected it."""
    fail(connected)
    alerts.update_alerts(account.id)
    return connected


def fail(connection):
    with transaction():
        connection.last_error, connection.failing_since = "STRIPE_KEY_REJECTED", now()


def repair(connection, account):
    with transaction():
        connection.last_error = connection.failing_since = None
    alerts.update_alerts(account.id)


def pass_time(minutes=5):
    with transaction():
        for alert in Alert.query.filter(Alert.ended_at.is_(None)):
            alert.began_at -= timedelta(minutes=minutes)
            alert.mail_at = alert.mail_at and alert.mail_at - timedelta(minutes=minutes)


@pytest.mark.both_databases
def test_a_broken_check_opens_one_alert_however_often_it_runs(account, broken):
    alerts.update_alerts(account.id)
    alerts.update_alerts(account.id)
    assert [alert.check for alert in alerts.open_alerts(account.id)] == ["key"]
    assert Alert.query.filter_by(check="key").count() == 1


def test_an_alert_ends_when_the_check_is_good_again(account, broken):
    repair(broken, account)
    assert alerts.open_alerts(account.id) == []
    assert Alert.query.filter_by(check="key").one().ended_at


def test_a_check_that_breaks_again_opens_another_alert(account, broken):
    repair(broken, account)
    fail(broken)
    alerts.update_alerts(account.id)
    assert Alert.query.filter_by(check="key").count() == 2


def test_a_check_that_can_not_be_judged_ends_nothing(account, broken):
    with transaction():
        account.plan = "starter"
    alerts.update_alerts(account.id)
    assert {alert.check for alert in alerts.open_alerts(account.id)} == {"plan", "key"}


def test_owners_get_no_alerts_about_manis_own_parts(account, connected):
    alerts.update_alerts(account.id)
    assert alerts.open_alerts(account.id) == []


def test_the_installation_alerts_the_operator(app, valkey):
    alerts.update_alerts()
    alerts.update_alerts()
    assert {alert.check for alert in alerts.open_alerts(None)} == {"worker", "sync_worker", "scheduler"}


def test_a_mail_that_a_clock_made_due_in_days_goes_out_now(account, broken, mailbox):
    pass_time(minutes=-2 * 24 * 60)
    alerts.send_mails()
    assert len(mailbox) == 1


def test_accounts_are_checked_in_turn(account, connected):
    assert alerts.due() == [account.id]
    alerts.update_alerts(account.id)
    assert alerts.due() == []
    assert Health.query.one().account_id == account.id


def test_an_error_of_stripe_is_checked_at_once(account, connected, stripe_account, sandbox, drain):
    drain()
    sandbox.delete_key(stripe_account["keys"]["test"]["restricted"])
    with transaction():
        connected.next_sync_at = now()
    tasks.reconcile()
    drain()
    assert [alert.check for alert in alerts.open_alerts(account.id)] == ["key"]


def test_the_owner_gets_one_mail_when_it_breaks_and_one_when_it_works(account, owner, broken, mailbox):
    pass_time()
    alerts.send_mails()
    alerts.send_mails()
    assert len(mailbox) == 1
    assert f"To: {owner.email}" in mailbox[0]
    assert "Stripe rejected this key" in mailbox[0]
    repair(broken, account)
    alerts.send_mails()
    alerts.send_mails()
    assert len(mailbox) == 2
    assert "works again" in mailbox[1]


def test_a_broken_test_connection_shows_beside_a_good_live_one(as_owner, account, owner, broken, mailbox):
    live = factories.make_connection(account, livemode=True)
    alerts.update_alerts(account.id)
    failing = {health.connection_id: health.checks for health in Health.query.all()}
    assert failing[broken.id]["key"] == "broken"
    assert "key" not in failing[live.id]
    assert ">TEST</span>" in as_owner.get("/?mode=live").text.split('id="alerts"')[1].split("</section>")[0]
    pass_time()
    alerts.send_mails()
    assert "Stripe, test mode. API key: Stripe rejected this key" in mailbox[0]
    assert "/troubleshooting?mode=3Dtest" in mailbox[0] or "/troubleshooting?mode=test" in mailbox[0]


def test_an_alert_ends_with_its_connection(account, broken):
    with transaction():
        connections.disconnect(broken)
    assert alerts.open_alerts(account.id) == []
    assert Health.query.all() == []


@pytest.mark.parametrize(
    ("to", "subject"), [("ada@example.com\nBcc: eve@example.com", "s"), ("ada@example.com", "s\nBcc: e")]
)
def test_no_header_can_be_smuggled_into_a_mail(mailbox, to, subject):
    with pytest.raises(MailNotSent):
        send_mail([to], subject, "text")
    assert mailbox == []


def test_each_recipient_gets_a_message_of_their_own(mailbox):
    send_mail(["ada@example.com", "bob@example.com"], "Grüße", "Zeile eins\nZeile zwei")
    assert ["bob@" in mail for mail in mailbox] == [False, True]
    assert "From: mani@example.com" in mailbox[0]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_server_with_an_untrusted_certificate_gets_no_mail(app, mailbox, untrusted, scheme):
    """Neither over STARTTLS nor over TLS from the start."""
    with Mailbox(untrusted, is_tls=scheme == "smtps") as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        use_server(app, f"{scheme}://ada:secret@localhost:{server.server_address[1]}")
        with pytest.raises(MailNotSent, match="SSLCertVerificationError"):
            send_mail(["ada@example.com"], "subject", "text")
        assert server.mails == []
        server.shutdown()


def test_no_password_is_sent_to_a_server_without_tls(app, mailbox):
    url = app.extensions["settings"].smtp_url
    use_server(app, url.replace("//", "//ada:secret@"))
    with pytest.raises(MailNotSent, match="SMTPNotSupportedError"):
        send_mail(["ada@example.com"], "subject", "text")
    assert mailbox == []


def test_what_works_again_within_the_grace_period_is_not_mailed(account, broken, mailbox):
    alerts.send_mails()
    repair(broken, account)
    alerts.send_mails()
    assert mailbox == []


def test_a_mail_that_could_not_be_sent_is_sent_later(app, account, broken, mailbox):
    pass_time()
    settings = app.extensions["settings"]
    use_server(app, "smtp://127.0.0.1:1")
    alerts.send_mails()
    app.extensions["settings"] = settings
    alerts.send_mails()
    assert len(mailbox) == 1


def test_without_a_mail_server_the_pages_show_the_alert(as_owner, account, broken):
    pass_time()
    alerts.send_mails()
    page = as_owner.get("/").text
    assert "API key: Stripe rejected this key" in page
    assert 'href="/troubleshooting?mode=test#check-key"' in page
    assert "something doesn't work" in as_owner.get("/creatives").text, "the navigation marks it on every page"
    repair(broken, account)
    assert "something doesn't work" not in as_owner.get("/creatives").text


def test_a_mail_holds_no_secret(account, broken, mailbox):
    pass_time()
    alerts.send_mails()
    assert not {"rk_test", "whsec_", broken.webhook_token} & set(mailbox[0].replace("/", " ").split())
    assert "rk_test" not in mailbox[0]
