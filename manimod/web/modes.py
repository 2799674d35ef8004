"""Whether the pages show an account's live or test data.

What a page's forms and htmx send with them decides, so that another tab that was switched meanwhile changes nothing;
then what the person chose last; then what is connected.
"""

from contextlib import suppress

from flask import Flask, g, request, session
from flask_security import current_user
from werkzeug.exceptions import HTTPException

from manimod.errors import ManimodError
from manimod.models import Account, Connection
from manimod.stripe import connections

MODES = {"live": True, "test": False}
HEADER = "Mani-Mode"  # of htmx's requests


def register(app: Flask) -> None:
    app.before_request(_remember)
    for function in (shown_mode, connection_of, offers_modes):
        app.add_template_global(function)


def _remember() -> None:
    """A link with a mode, such as the switch or one in a mail, is a choice; of what isn't connected, for one page."""
    mode = request.args.get("mode")
    account = mode in MODES and request.method == "GET" and getattr(current_user, "account", None)
    if account and connection_of(account, MODES[mode]):
        choose(MODES[mode])


def choose(livemode: bool) -> None:
    """Show this mode from now on."""
    g.shows_live = livemode
    session["mode"] = "live" if livemode else "test"


def forget() -> None:
    session.pop("mode", None)


def show(livemode: bool) -> None:
    """The page is about something of this mode, whatever was chosen."""
    g.shows_live = livemode


def shows_live(account: Account) -> bool:
    if "shows_live" not in g:
        said = request.args.get("mode", request.headers.get(HEADER))
        with suppress(HTTPException):  # of a form that is too large
            said = request.form.get("mode", said)
        if said not in MODES and account == current_user.account:
            said = session.get("mode")
        if said in MODES:
            g.shows_live = MODES[said]
        else:
            first = next(iter(_list(account)), None)
            g.shows_live = bool(first and first.livemode)
    return g.shows_live


def shows_test(account: Account) -> bool:
    return not shows_live(account)


def connection_of(account: Account, livemode: bool | None = None) -> Connection | None:
    """The connection whose data is shown, or that of a mode, while it is connected."""
    if livemode is None:
        livemode = shows_live(account)
    for connection in _list(account):
        if connection.livemode == livemode and connection.is_connected:
            return connection
    return None


def require_connection(account: Account) -> Connection:
    """Raises STRIPE_NOT_CONNECTED."""
    connection = connection_of(account)
    if connection is None:
        raise ManimodError("STRIPE_NOT_CONNECTED")
    return connection


def _list(account: Account) -> list[Connection]:
    """Read once a request."""
    if "connections" not in g:
        g.connections = connections.list_for_account(account)
    return g.connections


def shown_mode() -> str:
    """`live` or `test`, as forms and htmx send it back; empty where nobody's data is shown."""
    account = getattr(current_user, "account", None)
    if account is None and "shows_live" not in g:
        return ""
    return "live" if shows_live(account) else "test"


def offers_modes(account: Account) -> bool:
    """Whether there are two modes to choose from: both are connected, or the second may be."""
    connected = sum(connection.is_connected for connection in _list(account))
    return connected > 1 or bool(connected and account.may_connect_stripe)
