"""What an owner may change about the account itself: its name and its time zone."""

from functools import cache
from zoneinfo import available_timezones

from manimod.errors import ManimodError
from manimod.flow import connections, history, register
from manimod.models import Account

LONGEST_NAME = 120
# The database also lists old names of places and fixed offsets, which nobody would look for.
REGIONS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


@cache
def time_zones() -> dict[str, list[str]]:
    """Region -> names of its time zones: `Europe` -> `Europe/Berlin`, ..."""
    names = sorted(available_timezones())
    return {region: [name for name in names if name.startswith(f"{region}/")] for region in REGIONS}


def change(account: Account, name: str, time_zone: str) -> None:
    """Raises ACCOUNT_NAME_MISSING or TIME_ZONE_UNKNOWN, and then changes nothing."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= LONGEST_NAME:
        raise ManimodError("ACCOUNT_NAME_MISSING")
    if time_zone != "UTC" and not any(time_zone in names for names in time_zones().values()):
        raise ManimodError("TIME_ZONE_UNKNOWN")
    account.name = name
    if account.time_zone != time_zone:
        account.time_zone = time_zone
        _count_days_anew(account)


def _count_days_anew(account: Account) -> None:
    connection = connections.of_account(account)
    if connection and register.lock(connection.id):
        history.count_anew(connection)
