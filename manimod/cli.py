"""Flask commands for operators and scripts. Secrets come on standard input; `--json` answers in JSON for machines."""

import json
import sys
from collections.abc import Callable
from datetime import date
from functools import wraps
from pathlib import Path

import click
from flask import Blueprint
from sqlalchemy import select

from manimod.accounts import users
from manimod.creatives.engine import samples
from manimod.creatives.engine.picture import picture
from manimod.diagnostics import check_runner, delivery_log
from manimod.errors import ManimodError
from manimod.extensions import db, security
from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.models import PLANS, Account, Connection, Moment, StripeEvent
from manimod.moments import interpret
from manimod.stripe import connections
from manimod.stripe.payloads import NotAnEvent, minimise

blueprint = Blueprint("cli", __name__, cli_group=None)
Answer = tuple[str, dict | list]  # a sentence for people, and the same as facts for machines


def command(name: str) -> Callable:
    """A flask command that prints the sentence that its function returns, or the facts with `--json`.

    Its argument `account_id`, if it has one, reaches the function as the account. A generated `password` among the
    facts is printed, too. The outcome "broken" is status 1.
    """

    def decorate(function: Callable[..., Answer]) -> click.Command:
        @blueprint.cli.command(name, help=function.__doc__)
        @click.option("--json", "as_json", is_flag=True, help="One line of JSON instead of a sentence.")
        @wraps(function)
        def run(as_json: bool, account_id: int | None = None, **arguments: object) -> None:
            if account_id is not None:
                arguments["account"] = db.session.get(Account, account_id)
                if arguments["account"] is None:
                    raise click.ClickException(f"There is no account {account_id}.")
            try:
                sentence, facts = function(**arguments)
            except ManimodError as error:
                raise click.ClickException(str(error)) from None
            if "password" in facts:
                sentence += f"\nPassword (shown this once): {facts['password']}"
            click.echo(json.dumps(facts) if as_json else sentence)
            if "outcome" in facts:
                sys.exit(int(facts["outcome"] == "broken"))

        return run

    return decorate


account_argument = click.argument("account_id", type=int)
mode_option = click.option(
    "--mode",
    "livemode",
    type=click.Choice(["live", "test"]),
    callback=lambda _context, _option, value: value and value == "live",
    help="Which connection, where an account has a live and a test one.",
)
generate_option = click.option("--generate", is_flag=True, help="Make a password and print it, instead of reading one.")


@command("create-owner")
@click.argument("email")
@click.option("--account", "account_name", required=True, help="The name of the new account.")
@click.option("--plan", type=click.Choice(PLANS), default="pro", show_default=True)
@generate_option
def create_owner(email: str, account_name: str, plan: str, generate: bool) -> Answer:
    """Create an account and its owner. The password is read from standard input."""
    return _create_user(email, Account(name=account_name, plan=plan), generate)


@command("create-support")
@click.argument("email")
@generate_option
def create_support(email: str, generate: bool) -> Answer:
    """Create a member of mani's support. The password is read from standard input."""
    return _create_user(email, None, generate)


def _create_user(email: str, account: Account | None, generate: bool) -> Answer:
    try:
        email = security.mail_util.validate(email)
    except ValueError as error:
        raise click.ClickException(f"{email!r} is no e-mail address: {error}") from None
    if user := security.datastore.find_user(case_insensitive=True, email=email):
        raise click.ClickException(f"There is already a user with the e-mail {user.email}.")
    password, generated = _choose_password(generate)
    with transaction():
        user = users.create_user(email, password, account)
    sentence, facts = f"The user {user.email} is created.", {"user": user.id, "email": user.email}
    if user.account:
        sentence = f"Account {user.account_id} ({user.account.name}, {user.account.plan}): {sentence}"
        facts["account"] = user.account_id
    return sentence, facts | generated


def _choose_password(generate: bool) -> tuple[str, dict[str, str]]:
    """A password from standard input, or a generated one; and the facts to be told, which only the second is."""
    password = users.new_password() if generate else _read_secret("Password")
    problems, password = security.password_util.validate(password, is_register=True)
    if problems:
        raise click.ClickException(" ".join(map(str, problems)))
    return password, {"password": password} if generate else {}


@command("reset-password")
@click.argument("email")
@generate_option
def reset_password(email: str, generate: bool) -> Answer:
    """Give a user a new password, also one who is locked out. It is read from standard input."""
    user = security.datastore.find_user(case_insensitive=True, email=email.strip())
    if user is None:
        raise click.ClickException(f"There is no user {email}.")
    password, generated = _choose_password(generate)
    with transaction():
        users.reset_password(user, password)
    facts = {"user": user.id, "email": user.email}
    return f"{user.email} has a new password. Open sessions have ended.", facts | generated


@command("reset-authenticator")
@click.argument("email")
def reset_authenticator(email: str) -> Answer:
    """Forget a support member's authenticator: a new one is set up at the next sign-in, with the password."""
    with transaction():
        user = security.datastore.find_user(case_insensitive=True, email=email.strip())
        if user is None or not user.has_role("support"):
            raise click.ClickException(f"There is no support user {email}.")
        users.reset_authenticator(user)
    return f"{user.email} sets up an authenticator at the next sign-in.", {"user": user.id, "email": user.email}


@command("set-plan")
@account_argument
@click.argument("plan", type=click.Choice(PLANS))
def set_plan(account: Account, plan: str) -> Answer:
    """Change the plan of an account."""
    with transaction():
        account.plan = plan
    return f"Account {account.id} is on {plan}.", {"account": account.id, "plan": plan}


@command("stripe-connect")
@account_argument
def stripe_connect(account: Account) -> Answer:
    """Connect an account to Stripe. The API key is read from standard input."""
    connections.require_plan(account)
    check = connections.check_key(_read_secret("API key"))
    with transaction():
        connection = connections.connect(account, check)
    name = connection.stripe_account_name or connection.stripe_account_id or "Stripe"
    return _describe(connection, f"Account {account.id} is connected with {name}.")


@command("stripe-webhook-secret")
@account_argument
@mode_option
def stripe_webhook_secret(account: Account, livemode: bool | None) -> Answer:
    """Store the signing secret of mani's webhook endpoint. It is read from standard input."""
    secret = _read_secret("Signing secret")
    with transaction():
        connection = _require_connection(account, livemode)
        connections.set_signing_secret(connection, secret)
    return _describe(connection, f"Account {account.id} verifies its webhooks with this secret.")


@command("stripe-disconnect")
@account_argument
@mode_option
def stripe_disconnect(account: Account, livemode: bool | None) -> Answer:
    """Disconnect an account: the API key and what was synced are deleted, the Stripe account stays as it is."""
    with transaction():
        connection = _require_connection(account, livemode)
        connections.disconnect(connection)
    return _describe(connection, f"Account {account.id} is disconnected from Stripe.")


@command("stripe-sync")
@account_argument
@mode_option
def stripe_sync(account: Account, livemode: bool | None) -> Answer:
    """Ask for a sync now instead of at its time."""
    with transaction():
        connection = _require_connection(account, livemode)
        sync.request_sync(connection)
    return _describe(connection, f"The sync of account {account.id} starts as soon as a worker is free.")


@command("rotate-keys")
def rotate_keys() -> Answer:
    """Encrypt every stored secret with the first key of ENCRYPTION_KEYS, so that the older ones may be removed."""
    done = connections.rotate_encryption_keys()
    with transaction():
        users.re_encrypt_authenticators()
    sentence = f"Re-encrypted {done['re_encrypted']} secrets of {done['connections']} connections."
    if done["unreadable_accounts"]:
        numbers = ", ".join(map(str, done["unreadable_accounts"]))
        sentence += f"\nNo key of ENCRYPTION_KEYS opens what accounts {numbers} have stored: they must paste it again."
    else:
        sentence += " The other keys may be removed from ENCRYPTION_KEYS."
    return sentence, done


@command("replay")
@account_argument
@click.argument("event_id")
def replay(account: Account, event_id: str) -> Answer:
    """Process an event again that was ignored or given up. EVENT_ID is Stripe's: evt_..."""
    with transaction():
        of_account = StripeEvent.connection_id == Connection.id, Connection.account_id == account.id
        found = select(StripeEvent.id).where(*of_account, StripeEvent.stripe_id == event_id)
        row_id = db.session.scalar(found.order_by(StripeEvent.id.desc()).limit(1))
        if row_id is None:
            raise click.ClickException(f"Account {account.id} has no event {event_id}.")
        delivery_log.replay(account, row_id)
    return f"{event_id} is processed again.", {"account": account.id, "event": event_id}


@command("moments")
@account_argument
@mode_option
def moments(account: Account, livemode: bool | None) -> Answer:
    """List the moments of an account's Stripe connection, the oldest first; of the live one unless a mode is given."""
    connection = connections.get_for_account(account, livemode)
    query = select(Moment).where(Moment.connection_id == (connection and connection.id))
    lines, facts = [], []
    for moment in db.session.scalars(query.order_by(Moment.occurred_at, Moment.id)):
        occurred_at = f"{moment.occurred_at:%Y-%m-%dT%H:%M:%SZ}"
        line = f"{occurred_at}  {moment.state:10} {moment.key}, found by {moment.source}"
        lines.append(f"{line} ({moment.reason})" if moment.reason else line)
        names = ("key", "kind", "state", "reason", "source")
        facts.append({name: getattr(moment, name) for name in names} | {"occurred_at": occurred_at})
    return "\n".join(lines) or f"Account {account.id} has no moments yet.", facts


@command("doctor")
@click.argument("account_id", type=int, required=False)
@mode_option
def doctor(livemode: bool | None, account: Account | None = None) -> Answer:
    """Say what is wrong with an account, after asking Stripe, or with the installation. Status 1 if it is broken."""
    checks, connected = [], []
    if account:
        for connection in connections.list_for_account(account):
            if connection.is_connected and livemode in (None, connection.livemode):
                connected.append(connection)
    for connection in connected or [None]:
        checks += check_runner.run_checks(account, connection, ask_stripe=connection is not None)
    lines, facts = [], []
    for check in checks:
        line = f"{check.outcome.replace('_', ' '):15}{check.title}: {check.meaning}"
        seen_at = check.seen_at and f"{check.seen_at:%Y-%m-%d %H:%M:%S} UTC"
        seen = ", ".join(filter(None, (check.evidence, seen_at)))
        lines.append(f"{line} ({seen})" if seen else line)
        action = check.action and check.action["label"]
        if action:
            lines.append(f"{'':15}-> {action}")
        fact = {"check": check.name, "outcome": check.outcome, "meaning": check.meaning, "evidence": check.evidence}
        facts.append(fact | {"seen_at": check.seen_at and check.seen_at.isoformat(), "action": action})
    outcome = check_runner.worst_outcome(checks)
    return "\n".join(lines), {"account": account and account.id, "outcome": outcome, "checks": facts}


@blueprint.cli.command("interpret")
@click.option("--stripe-account", help="The key's own Stripe account: events about others are ignored.")
def interpret_events(stripe_account: str | None) -> None:
    """Say what mani makes of Stripe events: JSON lines in, one JSON line each out. Nothing is stored."""
    for line in filter(bytes.strip, click.get_binary_stream("stdin")):
        try:
            facts = minimise(json.loads(line)).facts
        except (NotAnEvent, ValueError, RecursionError):
            answer = {"id": None, "moments": [], "withdraws": [], "reason": "this line is no Stripe event"}
        else:
            meaning = interpret.interpret(facts)
            if stripe_account and facts.account not in (None, stripe_account):
                meaning = interpret.nothing(f"the event is about another Stripe account: {facts.account}")
            answer = {
                "id": facts.id,
                "moments": [{"kind": moment.kind, "key": moment.key} for moment in meaning.moments],
                "withdraws": [withdrawal.to_json() for withdrawal in meaning.withdrawals],
                "erases": meaning.erases,
                "reason": meaning.reason,
            }
        click.echo(json.dumps(answer, ensure_ascii=False))


@blueprint.cli.command("preview")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def preview(folder: Path) -> None:
    """Write the creative sets of every event for sample audiences into FOLDER, as JSON and SVG."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, creative_set, brand in samples.sample_sets(date.today()):
        content = json.dumps(creative_set.to_json(), indent=1, ensure_ascii=False)
        (folder / f"{name}.json").write_text(content + "\n", encoding="utf-8")
        for number, variant in enumerate(creative_set.variants, 1):
            drawing = picture.draw(variant, brand, "1080x1080")
            (folder / f"{name}-{number}.svg").write_text(drawing, encoding="utf-8")
    click.echo(f"The sample sets are in {folder}.")


def _read_secret(label: str) -> str:
    if sys.stdin.isatty():
        return click.prompt(label, hide_input=True)
    return click.get_text_stream("stdin").read().strip()


def _require_connection(account: Account, livemode: bool | None) -> Connection:
    """Whoever changes one of two connections says which."""
    if livemode is None and all(connections.get_current(account, mode) for mode in (True, False)):
        raise click.ClickException(f"Account {account.id} has a live and a test connection. Say which one with --mode.")
    return connections.require_current(account, livemode)


def _describe(connection: Connection, sentence: str) -> Answer:
    facts = {"account": connection.account_id, "status": connection.status, "livemode": connection.livemode}
    facts |= {"stripe_account": connection.stripe_account_id, "stripe_account_name": connection.stripe_account_name}
    return sentence, facts | {"webhook_address": connections.webhook_address(connection)}
