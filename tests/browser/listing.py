"""An audience with customers, and Stripe's export of them, for the tests and the benchmark of the audience list."""

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator
from datetime import timedelta

from sqlalchemy import delete, insert

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Account, Connection, Creative, Moment
from manimod.models.accounts import now
from tests.browser.filling import make_creative

# The columns of Stripe's export of customers, as it is unless the owner chooses some.
COLUMNS = "id,Description,Email,Name,Created (UTC),Delinquent,Plan,Status,Total Spend,Payment Count,Refunded Volume"


def add_creative(account: Account, is_test: bool = False) -> Creative:
    creative = make_creative(account, "renewed", "Team", "core", "approved", is_test=is_test)
    with transaction():
        db.session.add(creative)
    return creative


def set_customers(connection: Connection, creative: Creative, ids: Iterable[str], days_ago: float = 1) -> None:
    """The customers of the creative's moments, in place of those before."""
    at = now() - timedelta(days=days_ago)
    moment = {"connection_id": connection.id, "kind": creative.event, "state": "generated", "source": "webhook"}
    moment |= {"creative_id": creative.id, "livemode": connection.livemode}
    moment |= {"occurred_at": at, "received_at": at, "detected_at": at}
    rows = [moment | {"stripe_customer_id": one, "key": f"{creative.event}:{one}"} for one in ids]
    with transaction():
        db.session.execute(delete(Moment).where(Moment.creative_id == creative.id))
        if rows:
            db.session.execute(insert(Moment), rows)


def export(addresses: dict[str, str], delimiter: str = ",", end: str = "\n", quoted: bool = False) -> str:
    """Stripe's file of customers: id -> e-mail address."""
    file = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(COLUMNS.split(","))
    for number, (one, address) in enumerate(addresses.items()):
        spent = f"{number}.50"
        writer.writerow(
            [one, f'A "{number}", said\nso', address, f"N {number}", "2026-07-28", "false", "", "", spent, 3, 0]
        )
    return file.getvalue()


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def plain(address: str) -> str:
    return address.strip().lower()


def without_tag(address: str) -> str:
    """TikTok: nothing from + to @."""
    local, _, domain = plain(address).partition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def canonical(address: str) -> str:
    """Google: at Gmail no dots either, elsewhere both stay."""
    local, _, domain = without_tag(address).partition("@")
    return f"{local.replace('.', '')}@{domain}" if domain in ("gmail.com", "googlemail.com") else plain(address)


def lines_of(platform: str, addresses: Iterable[str], consent: str = "") -> Iterator[str]:
    """What the platform's file holds of these addresses: each once, as the platform writes it."""
    written = {"google": canonical, "tiktok": without_tag}.get(platform, plain)
    once: dict[str, str] = {}
    for address in addresses:
        once.setdefault(written(address), plain(address))
    for address in once.values():
        if platform == "google":
            differs = canonical(address) != address
            yield f"{sha256(canonical(address))},{sha256(address) if differs else ''}{consent}"
        elif platform == "tiktok":
            yield sha256(without_tag(address))
        else:
            yield sha256(address) + (",,,,,," if platform == "linkedin" else "")
