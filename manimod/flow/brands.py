"""The brand behind an account's ads: what the owner has set, or a sensible default from the account's name."""

from manimod.extensions import db
from manimod.models import Account, BrandKit
from manimod.studio.brief import Brand


def brand_of(account: Account) -> Brand:
    kit = db.session.get(BrandKit, account.id)
    if kit is None:
        return Brand(name=account.name, landing_page="https://example.com")
    return Brand(
        name=kit.name,
        primary=kit.primary_colour,
        accent=kit.accent_colour,
        tone=kit.tone,
        landing_page=kit.landing_page,
    )
