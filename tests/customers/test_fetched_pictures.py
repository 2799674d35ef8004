"""Pictures of products are fetched from the open internet only, in bounded time and size, and encoded anew."""

import datetime
import io
import ipaddress
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from manimod.customers import images
from manimod.errors import ManimodError


def png(size=(1600, 900), fill="#c02040", mode="RGB"):
    out = io.BytesIO()
    Image.new(mode, size, fill).save(out, "PNG")
    return out.getvalue()


def response(body=b"", status="200 OK", *headers):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """(server's, client's) TLS contexts with a certificate of 127.0.0.1 and localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    plain = serialization.NoEncryption(), serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, plain[1], plain[0])
    file.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=file)


class Server:
    """Answers every connection with the next of its scripts: a function that is given the encrypted socket."""

    def __init__(self, context, *scripts):
        self.requests, self.context, self.scripts = [], context, scripts
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        for script in self.scripts:
            raw, _ = self.listener.accept()
            try:
                with self.context.wrap_socket(raw, server_side=True) as connection:
                    self.requests.append(connection.recv(4096))
                    script(connection) if callable(script) else connection.sendall(script)
            except OSError:
                pass  # the client has hung up

    @property
    def url(self):
        return f"https://localhost:{self.port}/picture.png"


def allow(server):
    return lambda address, port: port == server.port


def fetch(tls, *scripts):
    server = Server(tls[0], *scripts)
    return images.fetch_picture(server.url, allow(server), tls[1])


def refused(tls, *scripts):
    with pytest.raises(ManimodError) as refusal:
        fetch(tls, *scripts)
    return refusal.value.code


def test_a_picture_is_fetched_and_becomes_a_jpeg_of_our_own(tls):
    body = png() + b"<script>alert(1)</script>"
    with Image.open(io.BytesIO(fetch(tls, response(body)))) as kept:
        assert (kept.format, kept.size) == ("JPEG", (1200, 675))


def test_a_transparent_picture_becomes_a_png(tls):
    with Image.open(io.BytesIO(fetch(tls, response(png(fill=(0, 0, 0, 0), mode="RGBA"))))) as kept:
        assert (kept.format, kept.mode) == ("PNG", "RGBA")


def test_a_redirect_is_followed_a_few_times(tls):
    assert fetch(tls, response(b"", "302 Found", "Location: /other.png"), response(png()))
    again = response(b"", "302 Found", "Location: /again.png")
    assert refused(tls, *[again] * 9) == "PICTURE_UNREACHABLE"


@pytest.mark.parametrize(
    "target",
    [
        "https://127.0.0.1:1/picture.png",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/",
        "https://[::1]/",
        "http://example.com/picture.png",
        "file:///etc/passwd",
        "https://user@localhost/picture.png",
    ],
)
def test_a_redirect_to_another_place_than_a_public_https_address_is_refused(tls, target):
    assert refused(tls, response(b"", "302 Found", f"Location: {target}")) == "PICTURE_ADDRESS"


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/picture.png",
        "ftp://localhost/picture.png",
        "https:///picture.png",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://10.1.2.3/",
        "https://192.168.0.1/",
        "https://172.16.9.9/",
        "https://169.254.169.254/",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://[::1]/",
        "https://[fd00::1]/",
        "https://[fe80::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://8.8.8.8:8443/",
        "",
    ],
)
def test_only_public_https_addresses_are_asked(url):
    with pytest.raises(ManimodError) as refusal:
        images.fetch_picture(url)
    assert refusal.value.code in ("PICTURE_ADDRESS", "PICTURE_UNREACHABLE")


def test_public_addresses_are_allowed():
    assert images.is_public("8.8.8.8", 443)
    assert images.is_public("2606:4700:4700::1111", 443)
    assert not images.is_public("224.0.0.1", 443)


def test_an_address_that_is_not_allowed_is_never_connected_to(tls):
    server = Server(tls[0], response(png()))
    with pytest.raises(ManimodError, match="public https"):
        images.fetch_picture(server.url, lambda address, port: False, tls[1])
    assert server.requests == []


def test_a_certificate_that_nobody_vouches_for_is_refused(tls):
    server = Server(tls[0], response(png()))
    with pytest.raises(ManimodError) as refusal:
        images.fetch_picture(server.url, allow(server))
    assert refusal.value.code == "PICTURE_UNREACHABLE"


def drip(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:  # until the client hangs up
        connection.sendall(b"x")
        time.sleep(0.05)


def drip_headers(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize("script", [drip, drip_headers, lambda connection: connection.recv(1)])
def test_a_server_that_takes_for_ever_is_left(tls, monkeypatch, script):
    monkeypatch.setattr(images, "FETCH_SECONDS", 0.4)
    assert refused(tls, script) == "PICTURE_UNREACHABLE"


def test_a_name_server_that_does_not_answer_is_left(monkeypatch):
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *asked, **options: answered.wait(60) and [])
    monkeypatch.setattr(images, "FETCH_SECONDS", 0.2)
    with pytest.raises(ManimodError) as refusal:
        images.fetch_picture("https://files.example/picture.png")
    assert refusal.value.code == "PICTURE_UNREACHABLE"
    assert not answered.is_set(), "nobody waited for the answer"
    answered.set()


def endless(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    for _ in range(400):
        connection.sendall(b"\x89PNG\r\n\x1a\n" + bytes(100_000))


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (endless, "PICTURE_TOO_LARGE"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n", "PICTURE_TOO_LARGE"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", "PICTURE_UNREACHABLE"),
        (response(b"not here", "404 Not Found"), "PICTURE_UNREACHABLE"),
        (b"nonsense\r\n\r\n", "PICTURE_UNREACHABLE"),
        (b"", "PICTURE_UNREACHABLE"),
        (response(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), "LOGO_SVG"),
        (response(b"<html>Sign in</html>"), "LOGO_FORMAT"),
        (response(png()[:60]), "LOGO_UNREADABLE"),
        (response(png((4097, 10))), "LOGO_TOO_WIDE"),
        (response(b""), "PICTURE_UNREACHABLE"),
    ],
)
def test_what_is_no_honest_picture_is_refused(tls, script, code):
    assert refused(tls, script) == code
