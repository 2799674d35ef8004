"""Every failure that a person can be shown: a stable code, an HTTP status, what happened, what to do, and where."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """`meaning` says what happened and why, `action` what to do; {slots} are filled by the raiser, never with a secret.

    `place` is the page where one does it: an endpoint, and after # a part of it.
    """

    status: int
    meaning: str
    action: str
    place: str

    @property
    def message(self) -> str:
        return f"{self.meaning} {self.action}".rstrip()


FAILURES = {
    "PLAN_TOO_LOW": Failure(
        403,
        "The Stripe integration is part of the Pro and Scale plans; this account is on {plan}.",
        "Upgrade to connect.",
        "stripe_settings.show",
    ),
    "STRIPE_KEY_MISSING": Failure(
        422,
        "The field is empty.",
        "Paste a restricted key that starts with rk_live_ or rk_test_.",
        "stripe_settings.show#connect",
    ),
    "STRIPE_KEY_FULL_SECRET": Failure(
        422,
        "That is a full secret key (sk_live_), which could move money, so mani doesn't accept it.",
        "Create a restricted key with read access to customers and subscriptions.",
        "stripe_settings.show#connect",
    ),
    "STRIPE_KEY_PUBLISHABLE": Failure(
        422,
        "That is a publishable key (pk_), which cannot read customers.",
        "Paste a restricted key that starts with rk_.",
        "stripe_settings.show#connect",
    ),
    "STRIPE_KEY_SIGNING_SECRET": Failure(
        422,
        "That is a webhook signing secret (whsec_).",
        "It belongs in the webhook step; paste the API key here.",
        "stripe_settings.show#connect",
    ),
    "STRIPE_KEY_ORGANISATION": Failure(
        422,
        "That is an organisation key (sk_org_).",
        "Create a restricted key (rk_) in the one account to connect.",
        "stripe_settings.show#connect",
    ),
    "STRIPE_KEY_UNKNOWN": Failure(
        422,
        "That doesn't look like a Stripe API key.",
        "Copy the whole restricted key: it starts with rk_live_ or rk_test_.",
        "stripe_settings.show#connect",
    ),
    "STRIPE_KEY_TRUNCATED": Failure(
        422,
        "That key is too short: part of it is missing.",
        "Copy it again with the copy button in Stripe.",
        "stripe_settings.show#connect",
    ),
    "STRIPE_KEY_REJECTED": Failure(
        422,
        "Stripe rejected this key: it doesn't exist or was deleted.",
        "Create a new restricted key and paste it here.",
        "stripe_settings.show#connect",
    ),
    "STRIPE_KEY_EXPIRED": Failure(
        422,
        "This key has expired in Stripe.",
        "Create a new restricted key and paste it here.",
        "stripe_settings.show#connect",
    ),
    "STRIPE_KEY_ADDRESS": Failure(
        422,
        "Stripe refuses requests with this key from mani's address: the key is limited to certain IP addresses.",
        "Remove that limit in Stripe, or create a key without it.",
        "stripe_settings.show#connect",
    ),
    "STRIPE_PERMISSION_MISSING": Failure(
        422,
        "This key cannot read everything mani needs. Missing: {permissions}.",
        "Add that to the key in Stripe and try again.",
        "stripe_settings.show#connect",
    ),
    "STRIPE_KEY_OTHER_ACCOUNT": Failure(
        409,
        "This key belongs to another Stripe account or mode than the one connected.",
        "To switch, tick “Start afresh” and paste the key again: mani then forgets what it read with the old one.",
        "stripe_settings.show#connect",
    ),
    "TIER_NAME_MISSING": Failure(
        422,
        "The name is missing or too long.",
        "A tier needs a name of 1 to 80 characters.",
        "stripe_settings.show#tiers",
    ),
    "TIER_NAME_UNPRINTABLE": Failure(
        422,
        "No ad may print this name: {why}.",
        "Give the tier the name that your customers know it by.",
        "stripe_settings.show#tiers",
    ),
    "ACCOUNT_NAME_MISSING": Failure(
        422,
        "The name is missing or too long.",
        "An account needs a name of 1 to 120 characters.",
        "account.show",
    ),
    "TIME_ZONE_UNKNOWN": Failure(422, "mani doesn't know this time zone.", "Choose one of the list.", "account.show"),
    "STRIPE_UNREACHABLE": Failure(
        503,
        "Stripe didn't answer within {seconds} seconds. Nothing was changed.",
        "Try again in a minute.",
        "troubleshooting.show",
    ),
    "STRIPE_RATE_LIMITED": Failure(
        503, "Stripe asked mani to slow down. Nothing was changed.", "Try again in a minute.", "troubleshooting.show"
    ),
    "STRIPE_FAILED": Failure(
        503,
        "Stripe answered with an error of its own. Nothing was changed.",
        "Try again in a minute.",
        "troubleshooting.show",
    ),
    "STRIPE_NOT_FOUND": Failure(
        404,
        "Stripe doesn't have this object in the mode of your key.",
        "Check that the key is of the right mode: test or live.",
        "stripe_settings.show#connect",
    ),
    "STRIPE_NOT_CONNECTED": Failure(
        409, "This account isn't connected to Stripe.", "Connect it first.", "stripe_settings.show#connect"
    ),
    "SIGNING_SECRET_MISSING": Failure(
        422,
        "The field is empty.",
        "Paste the signing secret of mani's endpoint; it starts with whsec_.",
        "stripe_settings.show#webhook",
    ),
    "SIGNING_SECRET_UNKNOWN": Failure(
        422,
        "That doesn't look like a signing secret.",
        "In Stripe, open mani's endpoint and copy the secret that starts with whsec_.",
        "stripe_settings.show#webhook",
    ),
    "WEBHOOK_UNKNOWN": Failure(
        404,
        "No webhook endpoint has this address.",
        "Copy it again from mani's Stripe settings.",
        "stripe_settings.show#webhook",
    ),
    "WEBHOOK_DISCONNECTED": Failure(
        410, "This account has disconnected Stripe.", "Remove this endpoint in Stripe.", "stripe_settings.show"
    ),
    "WEBHOOK_NO_SECRET": Failure(
        400,
        "mani has no signing secret for this endpoint yet.",
        "Paste it in mani's Stripe settings.",
        "stripe_settings.show#webhook",
    ),
    "WEBHOOK_BAD_SIGNATURE": Failure(
        400,
        "The signature doesn't match.",
        "The signing secret in mani must be the one of this very endpoint.",
        "stripe_settings.show#webhook",
    ),
    "WEBHOOK_STALE": Failure(
        400, "The signature's time is more than 5 minutes off.", "Check the clocks.", "troubleshooting.deliveries"
    ),
    "WEBHOOK_NOT_AN_EVENT": Failure(
        400, "The body isn't a Stripe event.", "Only Stripe's events are taken here.", "troubleshooting.deliveries"
    ),
    "KEY_UNREADABLE": Failure(
        503,
        "mani can no longer decrypt the stored Stripe key.",
        "Paste the key again to reconnect; nothing else was lost.",
        "stripe_settings.show#connect",
    ),
    "EVENT_NOT_REPLAYED": Failure(
        409,
        "This event was neither ignored nor given up.",
        "Only such events can be replayed.",
        "troubleshooting.deliveries",
    ),
    "TRIGGER_UNKNOWN": Failure(
        404, "There is no such event to switch.", "Choose one of the page's switches.", "stripe_settings.show#events"
    ),
    "CREATIVE_GONE": Failure(
        409, "This creative was {status} meanwhile.", "Reload to see where it stands.", "creatives.queue"
    ),
    "CREATIVE_CHANGED": Failure(
        409,
        "Somebody else has changed these texts meanwhile. Nothing was saved.",
        "Reload to see them.",
        "creatives.queue",
    ),
    "TEXT_BLOCKED": Failure(422, "{sentence}", "", "creatives.queue"),
    "BRAND_REFUSED": Failure(422, "{problem}", "", "brand.show"),
    "BRAND_CHANGED": Failure(
        409, "Somebody else has changed the brand kit meanwhile. Nothing was saved.", "Reload to see it.", "brand.show"
    ),
    "LOGO_MISSING": Failure(422, "No file was chosen.", "Choose a PNG, JPEG or WebP picture.", "brand.show"),
    "LOGO_TOO_LARGE": Failure(
        422, "That file is larger than 2 MB.", "Save the logo smaller, for example 512 pixels wide.", "brand.show"
    ),
    "LOGO_TOO_WIDE": Failure(
        422,
        "That picture is {width} × {height} pixels; a logo may have 4096 on a side.",
        "Save it smaller.",
        "brand.show",
    ),
    "LOGO_SVG": Failure(
        422,
        "SVG files can hold programs, so mani doesn't take them.",
        "Export the logo as PNG and choose that file.",
        "brand.show",
    ),
    "LOGO_FORMAT": Failure(
        422, "That isn't a PNG, JPEG or WebP picture.", "Export the logo as PNG and choose that file.", "brand.show"
    ),
    "LOGO_NOT_ONLY_A_PICTURE": Failure(
        422,
        "That file holds something besides the picture.",
        "Open it, export the logo as PNG and choose the new file.",
        "brand.show",
    ),
    "LOGO_UNREADABLE": Failure(
        422,
        "That picture is damaged or incomplete.",
        "Open it, export it again as PNG and choose the new file.",
        "brand.show",
    ),
    "EXPORT_EMPTY": Failure(422, "There is nothing to export yet.", "Approve a creative first.", "creatives.queue"),
    "EXPORT_BLOCKED": Failure(
        422,
        "Every approved creative breaks a rule by now.",
        "Put it back into the queue and ask for a new version.",
        "creatives.queue",
    ),
    "LANDING_PAGE_MISSING": Failure(
        422, "The ads have no landing page to lead to.", "Set it in the brand kit, then export.", "brand.show"
    ),
    "REASON_MISSING": Failure(
        422,
        "A reason is missing, or longer than 300 characters.",
        "Say why: it is kept in the audit log, and the account's owner can read it.",
        "support.index",
    ),
    "PLAN_UNKNOWN": Failure(422, "mani has no such plan.", "Choose one of the list.", "support.index"),
    "SYNC_NOT_RUNNING": Failure(
        409, "No sync is under way, so there is nothing to release.", "Ask for a sync instead.", "support.index"
    ),
    "METRICS_REFUSED": Failure(
        403,
        "The figures are for whoever brings METRICS_TOKEN as a bearer token; without one set, for this machine only.",
        "Send the header Authorization: Bearer and the token.",
        "dashboard.help_page",
    ),
    "NOT_FOUND": Failure(
        404,
        "There is nothing at this address, or it belongs to another account.",
        "Check the address, or begin at the dashboard.",
        "dashboard.show",
    ),
    "FORBIDDEN": Failure(
        403, "Your account doesn't have access to this page.", "Sign in with the account that has.", "dashboard.show"
    ),
    "GONE": Failure(
        410,
        "What was at this address has been removed for good. Nothing of yours is missing elsewhere.",
        "",
        "dashboard.show",
    ),
    "MALFORMED": Failure(
        400, "mani couldn't make sense of that request.", "Go back, reload the page and try again.", "dashboard.show"
    ),
    "FORM_EXPIRED": Failure(400, "This form has expired.", "Reload the page and try again.", "dashboard.show"),
    "UNSTORABLE": Failure(
        422,
        "That holds a number or a character that mani cannot keep.",
        "Take it out and send the form again.",
        "dashboard.show",
    ),
    "TOO_LARGE": Failure(
        413, "That is larger than mani takes in.", "Send less: a form may have 3 MB, an event 1 MB.", "dashboard.show"
    ),
    "TOO_MANY": Failure(429, "That was too often in a short time.", "Wait a minute and try again.", "dashboard.show"),
    "METHOD": Failure(
        405, "This address doesn't take that kind of request.", "Begin at the dashboard.", "dashboard.show"
    ),
    "INTERNAL": Failure(
        500, "Something went wrong on mani's side. Nothing was lost.", "Try again in a minute.", "troubleshooting.show"
    ),
}


PASSING = ("STRIPE_RATE_LIMITED", "STRIPE_UNREACHABLE", "STRIPE_FAILED")  # these end by themselves
# For a failure that was stored by its code only.
USUAL_SLOTS = {
    "seconds": 10,
    "permissions": "a read permission",
    "plan": "a smaller plan",
    "status": "changed",
    "why": "it breaks a rule",
    "width": "too many",
    "height": "too many",
    "sentence": "The text breaks a rule of the ad platforms.",
    "problem": "The brand kit holds something that no ad may show.",
}


def explain(code: str | None, **slots: object) -> str:
    """The sentence of a failure of which only the code is known."""
    known = FAILURES.get(code or "", FAILURES["INTERNAL"])
    return known.message.format_map(USUAL_SLOTS | slots)


class ManimodError(Exception):
    """A failure from the table. `str()` is the sentence for the user."""

    def __init__(self, code: str, **slots: object) -> None:
        self.code = code
        self.status = FAILURES[code].status
        self.slots = slots
        super().__init__(FAILURES[code].message.format(**slots))
