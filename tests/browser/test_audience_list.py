"""The audience list in a real browser: addresses stay in it, and the files are what the platforms ask for."""

import base64
import itertools
import random
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Frame, Page, expect
from werkzeug.serving import make_server

from manimod.extensions import db
from manimod.models import Connection, Creative
from tests import factories
from tests.browser import listing
from tests.conftest import wait_for
from tests.journeys.stack import Stack

AXE = Axe().axe_script
HEADERS = {
    "meta": "email",
    "google": "Email,Email",
    "linkedin": "email,firstname,lastname,jobtitle,employeecompany,country,googleaid",
    "tiktok": "Email_SHA256",
    "pinterest": None,
    "x": None,
}
CONSENT = ",Ad user data consent,Ad personalization consent"
_numbers = itertools.count(1)


class ListPage:
    """The page on which a list is made, of a new account's audience."""

    def __init__(self, page: Page, app: Flask, stack: Stack, is_test: bool = False) -> None:
        self.page, self.app = page, app
        with app.app_context():
            owner = factories.make_owner(factories.make_account(), f"list{next(_numbers)}@example.com")
            self.connection = factories.make_connection(owner.account, livemode=not is_test).id
            self.creative = listing.add_creative(owner.account, is_test).id
            cookie = app.test_client().sign_in(owner).get_cookie("mani").value
        page.context.add_cookies([{"name": "mani", "value": cookie, "url": stack.address, "httpOnly": True}])

    def open(self, customers: list[str], held_out: int = 0) -> Frame:
        with self.app.app_context():
            connection = db.session.get_one(Connection, self.connection)
            listing.set_customers(connection, db.session.get_one(Creative, self.creative), customers)
        self.page.goto(f"/creatives/{self.creative}")
        self.page.get_by_role("link", name="Make the audience list").click()
        self.page.get_by_label("Held out, in percent").fill(str(held_out))
        self.page.get_by_role("button", name="Make the audience list").click()
        self.page.wait_for_url("**/list/*")
        self.frame = self.page.frames[1]
        return self.frame

    def read(self, content: str | bytes, name: str = "unified_customers.csv") -> None:
        data = content if isinstance(content, bytes) else content.encode()
        self.frame.locator("#file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": data})
        expect(self.frame.locator("#working")).to_be_hidden(timeout=60_000)

    def make(self, last: list[Path] = (), consent: str = "none") -> None:
        if last:
            self.frame.locator("#make summary").click()
            self.frame.locator("#last").set_input_files(last)
        self.frame.locator(f"#consent-{consent}").check()
        self.frame.get_by_role("button", name="Make the files").click()
        expect(self.frame.locator("#files")).to_be_visible(timeout=60_000)

    def save(self, platform: str, which: str, folder: Path) -> Path:
        with self.page.expect_download() as downloading:
            self.frame.locator(f"[data-platform={platform}] a", has_text=f"-{which}.csv").click()
        path = folder / downloading.value.suggested_filename
        downloading.value.save_as(path)
        return path

    def count(self, name: str) -> str:
        return self.frame.locator(f"[data-count={name}]").inner_text()

    def text(self, name: str) -> str:
        return self.frame.locator(f"#{name}").inner_text()

    def held_out(self) -> list[str]:
        return self.frame.evaluate("document.getElementById('held-out').content.textContent").split()


@pytest.fixture
def list_page(open_page: Callable[..., Page], beside: Flask, stack: Stack) -> Callable[..., ListPage]:
    return lambda **options: ListPage(open_page(accept_downloads=True), beside, stack, **options)


def some_addresses(count: int, seed: int = 1) -> dict[str, str]:
    """Customer id -> address, in the ways in which people write theirs."""
    chance, found = random.Random(seed), {}
    for number in range(count):
        local = chance.choice(["anna.b{}", "Otto{}", "jo.e+shop{}", "ümit{}", "x{}+a.b"]).format(number)
        domain = chance.choice(["gmail.com", "Example.com", "googlemail.com", "müller.example", "GMAIL.com"])
        found[f"cus_{seed}{number:09d}"] = chance.choice(["{}", " {} ", "{}"]).format(f"{local}@{domain}")
    return found


def content(path: Path, platform: str, header: str | None = None) -> list[str]:
    """The lines of a saved file, without its header, which must be the platform's."""
    lines = path.read_bytes().decode("ascii").split("\n")
    assert lines.pop() == ""
    header = header or HEADERS[platform]
    if header:
        assert lines.pop(0) == header
    return lines


def test_each_platform_gets_the_hashes_and_the_form_that_it_asks_for(list_page, tmp_path):
    addresses = some_addresses(300)
    made = list_page()
    made.open(list(addresses)[:200])
    made.read(listing.export(addresses))
    assert (made.count("found"), made.count("listed")) == ("200", "200")
    made.make(consent="yes")
    in_list = list(addresses.values())[:200]
    for platform, header in HEADERS.items():
        is_google = platform == "google"
        file = made.save(platform, "everyone", tmp_path)
        expected = listing.lines_of(platform, in_list, ",GRANTED,GRANTED" if is_google else "")
        assert content(file, platform, header + CONSENT if is_google else None) == list(expected), platform
        assert re.fullmatch(rf"mani-stay-\w+-b-\d{{8}}-{platform}-everyone\.csv", file.name)


# --- nothing leaves the browser --------------------------------------------------------------------------------------

CANARY = "Canary.{}+Bird@Secret-Aviary.example"


def traces_of(text: str) -> list[str]:
    """A text in each way in which it could be sent."""
    forms = [text, text.lower(), quote(text), quote(text.lower())]
    forms += [base64.b64encode(form.encode()).decode().rstrip("=") for form in (text, text.lower())]
    return [*forms, listing.sha256(text), listing.sha256(text.lower()), listing.sha256(listing.without_tag(text))]


def test_no_address_leaves_the_browser(list_page, stack, tmp_path):
    """From the choice of the file on there is no request at all, and it works with the network switched off."""
    made = list_page()
    sent, said = [], []
    made.page.context.on("request", lambda request: sent.append(f"{request.url} {request.post_data or ''}"))
    made.page.on("console", lambda message: said.append(message.text))
    customers = [f"cus_{number}" for number in range(50)]
    made.open(customers)
    requests_before = len(sent)
    made.page.context.set_offline(True)
    canaries = [CANARY.format(number) for number in range(50)]
    cells = [listing.COLUMNS] + [
        ",".join([one, *[canary] * 10]) for one, canary in zip(customers, canaries, strict=True)
    ]
    made.read("\n".join(cells))
    made.make()
    saved = made.save("meta", "everyone", tmp_path)
    made.page.context.set_offline(False)
    made.page.goto("/audience")
    assert content(saved, "meta") == list(listing.lines_of("meta", canaries))
    own = [request for request in sent[requests_before:] if not request.startswith(("blob:", f"{stack.address}/"))]
    assert own == []
    kept = made.page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    everything = "\n".join([*sent, *said, kept, stack.said(), str(made.page.context.cookies())])
    database = b"".join(file.read_bytes() for file in stack.folder.rglob("*") if file.is_file())
    for canary in canaries:
        for trace in traces_of(canary):
            assert trace not in everything
            assert trace.encode() not in database


def test_between_the_choice_of_the_file_and_its_end_nothing_is_asked_for(list_page):
    made, sent = list_page(), []
    made.open(["cus_1"])
    made.page.context.on("request", lambda request: sent.append(request.url))
    made.read(listing.export({"cus_1": "ada@example.com"}))
    made.make()
    made.read("no list at all")
    assert sent == []


# What a script could try, with an address in `url`. The last ones leave the page.
WAYS_OUT = {
    "fetch": "fetch(url, {mode: 'no-cors'}).catch(() => 0)",
    "fetch keepalive": "fetch(url, {method: 'POST', body: 'x', keepalive: true, mode: 'no-cors'}).catch(() => 0)",
    "XMLHttpRequest": "let r = new XMLHttpRequest(); r.open('GET', url); r.send()",
    "beacon": "navigator.sendBeacon(url, 'x')",
    "EventSource": "new EventSource(url)",
    "WebSocket": "new WebSocket(url.replace('http', 'ws'))",
    "image": "new Image().src = url",
    "audio": "new Audio(url).load()",
    "video": "add('video', {src: url, preload: 'auto'})",
    "style sheet": "add('link', {rel: 'stylesheet', href: url})",
    "prefetch": "add('link', {rel: 'prefetch', href: url})",
    "preload": "add('link', {rel: 'preload', as: 'fetch', href: url})",
    "module preload": "add('link', {rel: 'modulepreload', href: url})",
    "script": "add('script', {src: url})",
    "import": "import(url).catch(() => 0)",
    "background": "document.body.style.backgroundImage = `url(${url})`",
    "font": "new FontFace('x', `url(${url})`).load().catch(() => 0)",
    "frame": "add('iframe', {src: url})",
    "object": "add('object', {data: url})",
    "embed": "add('embed', {src: url})",
    "worker": "new Worker(URL.createObjectURL(new Blob([`fetch('${url}', {mode: 'no-cors'})`])))",
    "service worker": "navigator.serviceWorker.register(url).catch(() => 0)",
    "window": "open(url)",
    "link to a window": "add('a', {href: url, target: '_blank'}).click()",
    "download": "add('a', {href: url, download: 'x'}).click()",
    "ping": "add('a', {href: '#', ping: url}).click()",
    "form": "add('form', {action: url, method: 'post'}).submit()",
    "refresh": "add('meta', {httpEquiv: 'refresh', content: `0; url=${url}`})",
    "link": "add('a', {href: url}).click()",
    "address": "location = url",
    "page's address": "top.location = url",
}
LEAVES = ("ping", "form", "refresh", "link", "address", "page's address")
TRY = """([url]) => {{
  const add = (tag, properties) => document.body.appendChild(Object.assign(document.createElement(tag), properties));
  try {{ {way} }} catch (error) {{ /* refused */ }}
}}"""


@pytest.fixture
def listener() -> Iterator[tuple[str, set[str]]]:
    """The address of somebody else's server, and by which ways something has reached it."""
    came = set()

    def answer(environ: dict, start_response: Callable) -> list[bytes]:
        came.update(parse_qs(environ["QUERY_STRING"]).get("way", ()))
        start_response("200 OK", [("Content-Type", "text/html"), ("Access-Control-Allow-Origin", "*")])
        return [b"<!doctype html><title>Somebody else</title><body>Hello"]

    server = make_server("127.0.0.1", 0, answer, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.port}", came
    server.shutdown()


def test_a_script_in_the_frame_finds_no_way_out(browser, beside, stack, listener):
    """The same ways are tried on an ordinary page of that server, where most of them lead out."""
    address, came = listener
    made, answered = ListPage(browser.new_context(base_url=stack.address).new_page(), beside, stack), []
    made.page.context.on("response", lambda response: answered.append(response.url))
    made.open(["cus_1"])
    for name, way in WAYS_OUT.items():
        for target in (address, stack.address):
            if name in LEAVES:
                made.page.reload()
                made.page.frames[1].locator("#file").wait_for()
            assert made.page.frames[1].url == "about:srcdoc"
            with suppress(
                PlaywrightError
            ):  # the frame may be at Chromium's page for what is refused, before it answers
                made.page.frames[1].evaluate(TRY.format(way=way), [f"{target}/?way={quote(name)}&address=canary"])

    page = browser.new_page()
    page.goto(address)
    for name, way in WAYS_OUT.items():
        if name in LEAVES:
            page = browser.new_page()
            page.goto(address)
        with suppress(PlaywrightError):
            page.evaluate(TRY.format(way=way), [f"{address}/?way={quote('plain ' + name)}"])
    wait_for(lambda: len([way for way in came if way.startswith("plain ")]) > 25, seconds=60)
    assert {way for way in came if not way.startswith("plain ")} == set()
    assert [url for url in answered if "canary" in url] == []
    for context in browser.contexts:
        context.close()


def test_webrtc_which_no_policy_covers_is_not_there(list_page):
    made = list_page()
    frame = made.open(["cus_1"])
    found = frame.evaluate("""() => {
      const found = [typeof RTCPeerConnection, typeof webkitRTCPeerConnection];
      try {
        const child = document.body.appendChild(document.createElement("iframe"));
        found.push(typeof child.contentWindow.RTCPeerConnection);
      } catch { found.push("undefined"); }
      return found;
    }""")
    assert found == ["undefined"] * 3


# --- Stripe's file ----------------------------------------------------------------------------------------------------


def dialects(addresses: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """The same customers in each way in which their file may be written."""
    plain, excel = listing.export(addresses), listing.export(addresses, "\t", "\r\n")
    semicolons = listing.export(addresses, ";", "\r\n")
    yield "as Stripe makes it", plain.encode()
    yield "with a byte order mark", plain.encode("utf-8-sig")
    yield "lines of Windows", listing.export(addresses, end="\r\n").encode()
    yield "lines of an old Mac", listing.export(addresses, end="\r").encode()
    yield "everything quoted", listing.export(addresses, quoted=True).encode()
    yield "semicolons", semicolons.encode()
    yield "semicolons, said before", f"sep=;\r\n{semicolons}".encode()
    yield "a title above", f"unified_customers-2\r\n{plain}".encode()
    yield "Unicode text of Excel", excel.encode("utf-16")
    yield "UTF-16, the other way round", b"\xfe\xff" + excel.encode("utf-16-be")
    yield "UTF-16 without a mark", excel.encode("utf-16-le")
    yield "an old code page", semicolons.encode("cp1252")
    yield "no end of the last line", plain.rstrip("\n").encode()
    yield "subscriptions", plain.replace("id,", "Customer ID,", 1).replace("Email", "Customer Email", 1).encode()


def test_the_file_may_be_written_in_many_ways(list_page, tmp_path):
    addresses = some_addresses(120)
    made = list_page()
    made.open(list(addresses)[:100])
    expected = list(listing.lines_of("meta", list(addresses.values())[:100]))
    for name, file in dialects(addresses):
        made.read(file)
        assert (name, made.count("found")) == (name, "100")
        made.make()
        assert (name, content(made.save("meta", "everyone", tmp_path), "meta")) == (name, expected)


WRONG = {
    "This file is empty.": b"",
    "The first lines of this file name no column such as ID or Email.": b"hello\nworld\n",
    "No column of this file holds customer ids, which begin with cus_. It has: id, Email.": b"id,Email\n7,a@b.co\n",
    "This file has no column Email. It has: id, Name.": b"id,Name\ncus_1,Ada\n",
    "This file has a header and no customers.": b"id,Email\n",
    "This is Stripe's export of payments.": b"id,Amount,Email\nch_1,5.00,a@b.co\n",
    "This file holds card data": b"id,Customer ID,Customer Email,Card Last4\nch_1,cus_1,a@b.co,4242\n",
    "This is JSON, not CSV.": b'{"object": "list", "data": [{"id": "cus_1"}]}',
    "This is a spreadsheet or a ZIP, not a CSV file.": b"PK\x03\x04 and so on",
    "None of the 1 customers of this audience is in the file.": b"id,Email\ncus_2,a@b.co\n",
    "A quotation mark in this file is never closed": b'id,Email\ncus_1,a@b.co\ncus_2,"' + b"x\n" * 1_200_000,
}


def test_a_wrong_file_is_told_in_a_sentence(list_page):
    made = list_page()
    made.open(["cus_1"])
    for sentence, file in WRONG.items():
        made.read(file)
        assert sentence in made.text("problem")
        expect(made.frame.locator("#found")).to_be_hidden()
    made.read(listing.export({"cus_1": "ada@example.com"}))
    expect(made.frame.locator("#problem")).to_be_hidden()
    assert made.count("listed") == "1"


def test_what_was_found_is_shown_before_any_file_is_made(list_page, tmp_path):
    made = list_page()
    made.open([f"cus_{number}" for number in range(9)])
    found = ["ada@example.com", "", "no address", " ADA@example.com", "bea@example.com", "two@at@example.com"]
    file = listing.export({f"cus_{number}": address for number, address in enumerate(found)})
    made.read(f"{file}cus_0,,second@example.com\ncus_stranger,,stranger@example.com\n")
    counts = {"found": "6", "all": "9", "without": "1", "unusable": "2", "shared": "1", "repeated": "1", "listed": "2"}
    assert {name: made.count(name) for name in counts} == counts
    assert "Many customers of this audience aren't in the file." in made.text("few")
    assert "Read 8 rows of unified_customers.csv" in made.text("said")
    assert "two columns: id and Email. Nothing was sent." in made.text("said")
    made.make()
    saved = content(made.save("meta", "everyone", tmp_path), "meta")
    assert saved == [listing.sha256("ada@example.com"), listing.sha256("bea@example.com")]


def test_reading_can_be_cancelled(list_page):
    made = list_page()
    frame = made.open(["cus_1"])
    frame.evaluate("""() => {  // the browser takes its time with the second piece
      const read = Blob.prototype.arrayBuffer;
      let pieces = 0;
      Blob.prototype.arrayBuffer = async function () {
        pieces += 1;
        if (pieces === 2) await new Promise((resolve) => (window.goOn = resolve));
        return read.call(this);
      };
    }""")
    file = {"name": "c.csv", "mimeType": "text/csv", "buffer": listing.export({"cus_1": "ada@example.com"}).encode()}
    frame.locator("#file").set_input_files(file)
    frame.get_by_role("button", name="Cancel").click()
    expect(frame.locator("#said")).to_have_text("Cancelled. Nothing of the file is kept.")
    frame.evaluate("window.goOn()")
    made.read(listing.export({"cus_1": "bea@example.com"}))
    assert made.count("listed") == "1"


# --- who is in the list -----------------------------------------------------------------------------------------------


def test_who_is_held_out_is_in_no_file_not_even_by_somebody_elses_address(list_page, tmp_path):
    made = list_page()
    customers = [f"cus_{number}" for number in range(400)]
    made.open(customers, held_out=50)
    held_out = made.held_out()
    in_list = [one for one in customers if one not in held_out]
    addresses = {one: f"{one}@example.com" for one in customers}
    addresses[in_list[0]] = addresses[held_out[0]].upper()  # one address on both sides
    made.read(listing.export(addresses))
    assert made.count("both") == "1"
    assert made.count("heldOut") == str(len(held_out) - 1)
    made.make()
    saved = content(made.save("x", "everyone", tmp_path), "x")
    assert saved == [listing.sha256(addresses[one]) for one in in_list[1:]]


def hashes_of(lines: Iterable[str]) -> set[str]:
    """The platform's own hash of each line."""
    return {line.partition(",")[0] for line in lines}


def test_over_three_exports_the_files_add_who_comes_and_remove_who_goes(list_page, tmp_path):
    """What a platform holds that is told only who comes and goes, at the end of each round, is the audience."""
    made, chance = list_page(), random.Random(3)
    addresses = some_addresses(300)
    at_platform = {platform: set() for platform in ("meta", "google", "tiktok")}
    last = []
    for turn in range(3):
        customers = chance.sample(list(addresses), 200)
        for one in chance.sample(customers, 20):
            addresses[one] = f"moved{turn}.{one}@gmail.com"  # a new address
        for one in chance.sample([one for one in addresses if one not in customers], 5):
            del addresses[one]  # deleted in Stripe
        made.open(customers)
        made.read(listing.export(addresses))
        made.make(last)
        in_list = [addresses[one] for one in addresses if one in set(customers)]
        everyone = {platform: made.save(platform, "everyone", tmp_path) for platform in at_platform}
        for platform, file in everyone.items():
            expected = hashes_of(listing.lines_of(platform, in_list))
            assert hashes_of(content(file, platform)) == expected
            if not last:
                at_platform[platform] = expected
                continue
            added = hashes_of(content(made.save(platform, "add", tmp_path), platform))
            removed = hashes_of(content(made.save(platform, "remove", tmp_path), platform))
            assert not added & at_platform[platform]
            assert removed <= at_platform[platform]
            at_platform[platform] = (at_platform[platform] - removed) | added
            assert at_platform[platform] == expected
        last = [file.rename(file.with_name(f"{turn}-{file.name}")) for file in everyone.values()]


def test_only_the_list_of_everyone_can_be_compared_with(list_page, tmp_path):
    made = list_page()
    made.open(["cus_1"])
    made.read(listing.export({"cus_1": "ada@example.com"}))
    wrong = tmp_path / "mani-stay-x-all-meta-add.csv"
    wrong.write_text(f"email\n{listing.sha256('a')}\n")
    made.frame.locator("#make summary").click()
    made.frame.locator("#last").set_input_files(wrong)
    made.frame.locator("#consent-none").check()
    made.frame.get_by_role("button", name="Make the files").click()
    expect(made.frame.locator("#problem")).to_contain_text("isn't a list that was made here")


def test_a_hundred_thousand_customers(list_page, tmp_path):
    made = list_page()
    addresses = {f"cus_{number:014d}": f"First.Last{number}@example.com" for number in range(100_000)}
    in_audience = list(addresses)[::10]
    made.open(in_audience)
    file = tmp_path / "unified_customers.csv"
    file.write_text("id,Email\n" + "".join(f"{one},{address}\n" for one, address in addresses.items()))
    made.frame.locator("#file").set_input_files(file)
    expect(made.frame.locator("#found")).to_be_visible(timeout=60_000)
    made.make()
    saved = content(made.save("tiktok", "everyone", tmp_path), "tiktok")
    assert saved == list(listing.lines_of("tiktok", [addresses[one] for one in in_audience]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_of(open_page, beside, stack, scheme):
    made = ListPage(open_page(color_scheme=scheme), beside, stack)
    frame = made.open([f"cus_{number}" for number in range(90)], held_out=50)
    made.read(listing.export({f"cus_{number}": f"{number}@example.com" for number in range(50)}))
    made.make()
    made.page.mouse.move(0, 0)
    for shown in (frame, made.page):
        assert complaints(shown) == []
    made.page.go_back()
    assert complaints(made.page) == []


def complaints(shown: Page | Frame) -> list[str]:
    """What axe finds, without asking for style sheets once more."""
    shown.evaluate(AXE)
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "preload": False}
    return shown.evaluate("(rules) => axe.run(rules).then((found) => found.violations.map((one) => one.id))", rules)
