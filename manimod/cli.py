"""Flask commands for operators and scripts. Secrets come on standard input; `--json` answers in JSON for machines."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, date
from functools import wraps
from pathlib import Path

import click
from flask import Blueprint
from sqlalchemy import select

from manimod import jobs
from manimod.accounts import users
from manimod.creatives.engine import samples
from manimod.creatives.engine.picture import picture
from manimod.diagnostics import check_runner
from manimod.errors import ManimodError
from manimod.extensions import db, security
from manimod.ingest import delivery_log, sync
from manimod.models import PLANS, Account, Connection, Moment, StripeEvent, User
from manimod.moments import interpret
from manimod.stripe import connections, key_rotation
from manimod.stripe.payloads import NotAnEvent, minimise

blueprint = Blueprint("cli", __name__, cli_group=None)

Answer = tuple[str, dict | list]  # a sentence for people, and the same as facts for machines


def command(name: str) -> Callable:
    """A flask command that prints the sentence that its function returns, or the facts with `--json`."""

    def decorate(function: Callable[..., Answer]) -> click.Command:
        @blueprint.cli.command(name, help=function.__doc__)
        @click.option("--json", "as_json", is_flag=True, help="One line of JSON instead of a sentence.")
        @wraps(function)
        def run(as_json: bool, **arguments: object) -> None:
            try:
                sentence, facts = function(**arguments)
            except ManimodError as error:
                raise click.ClickException(str(error)) from None
            click.echo(json.dumps(facts) if as_json else sentence)

        return run

    return decorate


@command("create-owner")
@click.argument("email")
@click.option("--account", "account_name", required=True, help="The name of the new account.")
@click.option("--plan", type=click.Choice(PLANS), default="pro", show_default=True)
@click.option("--generate", is_flag=True, help="Make a password and print it once, instead of reading one.")
def create_owner(email: str, account_name: str, plan: str, generate: bool) -> Answer:
    """Create an account and its owner. The password is read from standard input."""
    email, password = _check_new_email(email), _get_password(generate)
    with jobs.transaction():
        user = users.create_owner(email, password, account_name, plan)
    sentence, facts = _describe_new_user(user, password if generate else None)
    return f"Account {user.account_id} ({account_name}, {plan}): {sentence}", {"account": user.account_id, **facts}


@command("create-support")
@click.argument("email")
@click.option("--generate", is_flag=True, help="Make a password and print it once, instead of reading one.")
def create_support(email: str, generate: bool) -> Answer:
    """Create a member of mani's support. The password is read from standard input."""
    email, password = _check_new_email(email), _get_password(generate)
    with jobs.transaction():
        user = users.create_support(email, password)
    return _describe_new_user(user, password if generate else None)


@command("reset-authenticator")
@click.argument("email")
def reset_authenticator(email: str) -> Answer:
    """Forget a support member's authenticator: a new one is set up at the next sign-in, with the password."""
    with jobs.transaction():
        user = db.session.scalar(select(User).where(User.email == email.strip().casefold()))
        if user is None or not user.has_role("support"):
            raise click.ClickException(f"There is no support user {email}.")
        users.reset_authenticator(user)
    return f"{user.email} sets up an authenticator at the next sign-in.", {"user": user.id, "email": user.email}


@command("set-plan")
@click.argument("account_id", type=int)
@click.argument("plan", type=click.Choice(PLANS))
def set_plan(account_id: int, plan: str) -> Answer:
    """Change the plan of an account."""
    with jobs.transaction():
        _get_account(account_id).plan = plan
    return f"Account {account_id} is on {plan}.", {"account": account_id, "plan": plan}


@command("stripe-connect")
@click.argument("account_id", type=int)
def stripe_connect(account_id: int) -> Answer:
    """Connect an account to Stripe. The API key is read from standard input."""
    connections.require_plan(_get_account(account_id))
    check = connections.check_key(_read_secret("API key"))
    with jobs.transaction():
        connection = connections.connect(_get_account(account_id), check)
    name = connection.stripe_account_name or connection.stripe_account_id or "Stripe"
    return f"Account {account_id} is connected with {name}.", _describe_connection(connection)


@command("stripe-webhook-secret")
@click.argument("account_id", type=int)
def stripe_webhook_secret(account_id: int) -> Answer:
    """Store the signing secret of mani's webhook endpoint. It is read from standard input."""
    secret = _read_secret("Signing secret")
    with jobs.transaction():
        connection = connections.require_current(_get_account(account_id))
        connections.set_signing_secret(connection, secret)
    return f"Account {account_id} verifies its webhooks with this secret.", _describe_connection(connection)


@command("stripe-disconnect")
@click.argument("account_id", type=int)
def stripe_disconnect(account_id: int) -> Answer:
    """Disconnect an account: the API key and what was synced are deleted, the Stripe account stays as it is."""
    with jobs.transaction():
        connection = connections.require_current(_get_account(account_id))
        connections.disconnect(connection)
    return f"Account {account_id} is disconnected from Stripe.", _describe_connection(connection)


@command("stripe-sync")
@click.argument("account_id", type=int)
def stripe_sync(account_id: int) -> Answer:
    """Ask for a sync now instead of within the hour."""
    with jobs.transaction():
        connection = connections.require_current(_get_account(account_id))
        sync.request_sync(connection)
    return f"The sync of account {account_id} starts as soon as a worker is free.", _describe_connection(connection)


@command("rotate-keys")
def rotate_keys() -> Answer:
    """Encrypt every stored secret with the first key of ENCRYPTION_KEYS, so that the older ones may be removed."""
    done = key_rotation.rotate()
    with jobs.transaction():
        users.re_encrypt_authenticators()
    if done.unreadable_accounts:
        numbers = ", ".join(map(str, done.unreadable_accounts))
        warning = f"\nNo key of ENCRYPTION_KEYS opens what accounts {numbers} have stored: they must paste it again."
    else:
        warning = " The other keys may be removed from ENCRYPTION_KEYS."
    return f"Re-encrypted {done.re_encrypted} secrets of {done.connections} connections.{warning}", done.to_json()


@command("replay")
@click.argument("account_id", type=int)
@click.argument("event_id")
def replay(account_id: int, event_id: str) -> Answer:
    """Process an event again that was ignored or given up. EVENT_ID is Stripe's: evt_..."""
    with jobs.transaction():
        connection = connections.require_current(_get_account(account_id))
        own = StripeEvent.connection_id == connection.id
        row_id = db.session.scalar(select(StripeEvent.id).where(own, StripeEvent.stripe_id == event_id))
        if row_id is None:
            raise click.ClickException(f"Account {account_id} has no event {event_id}.")
        delivery_log.replay(connection, row_id)
    return f"{event_id} is processed again.", {"account": account_id, "event": event_id}


@command("moments")
@click.argument("account_id", type=int)
def moments(account_id: int) -> Answer:
    """List the moments of an account's Stripe connection, the oldest first."""
    connection = connections.get_for_account(_get_account(account_id))
    query = select(Moment).where(Moment.connection_id == (connection and connection.id))
    lines, facts = [], []
    for moment in db.session.scalars(query.order_by(Moment.occurred_at, Moment.id)):
        occurred_at = moment.occurred_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        reason = f" ({moment.reason})" if moment.reason else ""
        lines.append(f"{occurred_at}  {moment.state:10} {moment.key}, found by {moment.source}{reason}")
        row = {"key": moment.key, "kind": moment.kind, "state": moment.state, "reason": moment.reason}
        facts.append({**row, "source": moment.source, "occurred_at": occurred_at})
    return "\n".join(lines) or f"Account {account_id} has no moments yet.", facts


@blueprint.cli.command("doctor")
@click.argument("account_id", type=int, required=False)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON instead of a list.")
def doctor(account_id: int | None, as_json: bool) -> None:
    """Say what is wrong with an account, after asking Stripe, or with the installation. Status 1 if it is broken."""
    if account_id is None:
        checks = check_runner.check_installation()
    else:
        checks = check_runner.check_account(_get_account(account_id), ask_stripe=True)
    outcome = check_runner.worst_outcome(checks)
    if as_json:
        rows = [check.to_json() for check in checks]
        click.echo(json.dumps({"account": account_id, "outcome": outcome, "checks": rows}))
    else:
        for check in checks:
            seen = ", ".join(filter(None, (check.evidence, check.seen_at and f"{check.seen_at:%Y-%m-%d %H:%M:%S} UTC")))
            evidence = f" ({seen})" if seen else ""
            click.echo(f"{check.outcome.replace('_', ' '):15}{check.title}: {check.meaning}{evidence}")
            if check.action and check.outcome != "good":
                click.echo(f"{'':15}-> {check.action.label}")
    sys.exit(outcome == "broken")


@blueprint.cli.command("interpret")
def interpret_events() -> None:
    """Say what mani makes of Stripe events: JSON lines in, one JSON line each out. Nothing is stored."""
    for line in click.get_binary_stream("stdin"):
        if line.strip():
            click.echo(json.dumps(describe_event(line), ensure_ascii=False))


def describe_event(line: bytes) -> dict:
    try:
        facts = minimise(json.loads(line)).facts
    except (NotAnEvent, ValueError, RecursionError):
        return {"id": None, "moments": [], "withdraws": [], "reason": "this line is no Stripe event"}
    meaning = interpret.interpret(facts)
    return {
        "id": facts.id,
        "moments": [{"kind": moment.kind, "key": moment.key} for moment in meaning.moments],
        "withdraws": [withdrawal.to_json() for withdrawal in meaning.withdrawals],
        "erases": meaning.erases,
        "reason": meaning.reason,
    }


@blueprint.cli.command("preview")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--sheet", is_flag=True, help="Also contact-sheet.png: every layout in every size.")
def preview(folder: Path, sheet: bool) -> None:
    """Write the creative sets of every event for sample audiences into FOLDER, as JSON and SVG."""
    folder.mkdir(parents=True, exist_ok=True)
    items = list(samples.sample_sets(date.today()))
    if sheet:
        (folder / "contact-sheet.png").write_bytes(samples.contact_sheet(items))
    for item in items:
        content = json.dumps(item.creative_set.to_json(), indent=1, ensure_ascii=False)
        (folder / f"{item.name}.json").write_text(content + "\n", encoding="utf-8")
        for number, variant in enumerate(item.creative_set.variants, 1):
            drawing = picture.draw(variant, item.brand, "1080x1080")
            (folder / f"{item.name}-{number}.svg").write_text(drawing, encoding="utf-8")
    click.echo(f"The sample sets are in {folder}.")


def _get_account(account_id: int) -> Account:
    account = db.session.get(Account, account_id)
    if account is None:
        raise click.ClickException(f"There is no account {account_id}.")
    return account


def _check_new_email(text: str) -> str:
    try:
        email = security.mail_util.validate(text)
    except ValueError as error:
        raise click.ClickException(f"{text!r} is no e-mail address: {error}") from None
    if user := security.datastore.find_user(case_insensitive=True, email=email):
        raise click.ClickException(f"There is already a user with the e-mail {user.email}.")
    return email


def _get_password(generate: bool) -> str:
    password = users.new_password() if generate else _read_secret("Password")
    problems, password = security.password_util.validate(password, is_register=True)
    if problems:
        raise click.ClickException(" ".join(str(problem) for problem in problems))
    return password


def _read_secret(what: str) -> str:
    if sys.stdin.isatty():
        return click.prompt(what, hide_input=True)
    return click.get_text_stream("stdin").read().strip()


def _describe_new_user(user: User, password: str | None) -> Answer:
    sentence, facts = f"The user {user.email} is created.", {"user": user.id, "email": user.email}
    if password is None:
        return sentence, facts
    return f"{sentence}\nPassword (shown this once): {password}", {**facts, "password": password}


def _describe_connection(connection: Connection) -> dict:
    return {
        "account": connection.account_id,
        "status": connection.status,
        "stripe_account": connection.stripe_account_id,
        "stripe_account_name": connection.stripe_account_name,
        "livemode": connection.livemode,
        "webhook_address": connections.webhook_address(connection),
    }
