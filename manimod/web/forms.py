"""The forms of the pages: what each field may hold, and a sentence for what is wrong with it.

A rule that needs neither the database nor Stripe is a validator here. The view adds what a service refuses.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from flask import g
from flask_security import ChangePasswordForm, current_user, verify_password
from flask_security.utils import get_message
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import BooleanField, Form, IntegerField, PasswordField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields import ColorField, FieldList, FormField
from wtforms.validators import Length, Optional, Regexp, ValidationError
from wtforms.widgets import HiddenInput

from manimod.accounts import support
from manimod.creatives import briefs
from manimod.creatives.briefs import MAX_BRAND_NAME
from manimod.creatives.engine.brief import OfferKind, Tone
from manimod.customers import images
from manimod.customers.tiers import MAX_NAME_LENGTH
from manimod.errors import ManimodError, explain
from manimod.extensions import security
from manimod.lifecycle import KINDS
from manimod.models.accounts import now
from manimod.models.states import Plan

NOT_IN_LIST = "Choose one of the list."
NOT_OF_THE_KIT = ("version", "csrf_token", "logo_file", "removes_logo")  # of the brand kit's form
MAX_LINES = 50  # banned words, proof or release notes of an account
MAX_LINE_LENGTH = 160
MAX_OFFERS = 10
LANDING_PAGE = r"https://[\w-]+(\.[\w-]+)+(:\d{1,4})?([/?#][^\s\"'<>\\]*)?$"
ZONES = files("tzdata") / "zoneinfo"


@cache
def _zones() -> tuple[dict[str, ZoneInfo], dict[str, str]]:
    """The time zones that countries have today, by name, and today's name of each older one."""
    today, older = {}, {}
    for line in (ZONES / "zone.tab").read_text().splitlines():
        if not line.startswith("#"):
            name = line.split("\t")[2]
            today[name] = ZoneInfo(name)
    for line in (ZONES / "tzdata.zi").read_text().splitlines():
        kind, *names = line.split()
        if kind == "L" and names[0] in today:
            older[names[1]] = names[0]
    return today, older


class TimeZoneField(SelectField):
    """By region, west to east, as `UTC+01:00 Berlin`. `data-also` holds older names: browsers tell some of them."""

    def __init__(self, label: str, **more: Any) -> None:
        super().__init__(label, choices=self._choices, **more)

    def process_data(self, value: str | None) -> None:
        today, older = _zones()
        super().process_data(value if value in today else older.get(value, value))

    def _choices(self) -> dict[str, list[tuple[str, str, dict[str, str]]]]:
        (today, older), also, regions = _zones(), defaultdict(list), {"UTC": [("UTC", "UTC", {})]}
        for old, name in older.items():
            also[name].append(old)
        for name, zone in sorted(today.items(), key=lambda named: (now().astimezone(named[1]).utcoffset(), named[0])):
            region, *places = name.replace("_", " ").split("/")
            label = f"UTC{now().astimezone(zone).isoformat()[-6:]} {', '.join(reversed(places))}"
            regions.setdefault(region, []).append((name, label, {"data-also": " ".join(also[name])}))
        return {region: regions[region] for region in sorted(regions)}


def one_line(text: str | None) -> str:
    """One line of printable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text or "").split())


def with_https(text: str) -> str:
    """An address as people type it, `example.com/shop`, as a whole one."""
    return f"https://{text}" if re.match(r"[\w-]+(\.[\w-]+)+(?![\w@.+-]*@)", text) else text


def _line(label: str, longest: int, problem: str, shortest: int = -1, example: str = "") -> StringField:
    """A field for one line, with the sentence for what is too long or too short."""
    return StringField(
        label, [Length(shortest, longest, problem)], [one_line], render_kw={"placeholder": example or False}
    )


class ApiKeyForm(FlaskForm):
    api_key = PasswordField("Paste the API key.")
    start_over = BooleanField("Start over")


class StripeAccountNameForm(FlaskForm):
    name = StringField(filters=[one_line])


class SigningSecretForm(FlaskForm):
    signing_secret = PasswordField("Paste the signing secret")


class EventsForm(FlaskForm):
    """A switch for each kind of moment, under the name of the kind."""


for _name, _kind in KINDS.items():
    setattr(EventsForm, _name, BooleanField(_kind.name, description=_kind.purpose))


class LinesField(TextAreaField):
    """A text area whose value is a list of lines, each once."""

    def _value(self) -> str:
        return "\n".join(self.data or [])

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist:
            lines = map(one_line, valuelist[0].splitlines())
            self.data = list(dict.fromkeys(filter(None, lines)))

    def pre_validate(self, form: Form) -> None:
        lines = self.data or []
        if len(lines) > MAX_LINES or max(map(len, lines), default=0) > MAX_LINE_LENGTH:
            raise ValidationError(f"At most {MAX_LINES} lines of {MAX_LINE_LENGTH} characters each.")


class TierNameForm(FlaskForm):
    name = StringField("Name", filters=[one_line], render_kw={"maxlength": MAX_NAME_LENGTH, "autocomplete": "off"})


class TierLinesForm(FlaskForm):
    lines = LinesField()


class TierPictureForm(FlaskForm):
    picture = FileField("Picture")
    remove = BooleanField("Remove")


class AccountForm(FlaskForm):
    name = _line("Name", 120, "The name is missing or too long. An account needs a name of 1 to 120 characters.", 1)
    time_zone = TimeZoneField("Time zone", invalid_choice_message="mani doesn't know this time zone.")


class PasswordForm(ChangePasswordForm):
    def validate(self, **more: Any) -> bool:
        """Every mistake at once: Flask-Security's own form stops at the first."""
        if super().validate(**more):
            return True
        rules, typed = security.password_util, self.password.data or ""
        if not self.password.errors and not verify_password(rules.normalize(typed), current_user.password):
            self.password.errors.append(get_message("INVALID_PASSWORD")[0])
        if not self.new_password.errors:
            self.new_password.errors = rules.validate(self.new_password.data or "", False, user=current_user)[0] or []
        return False


class SupportForm(FlaskForm):
    """Every action of support and every look at a person's data needs a reason; `plan` belongs to one of them."""

    reason = _line("Reason", support.MAX_REASON_LENGTH, explain("REASON_MISSING"), 1)
    plan = SelectField("Plan", choices=Plan.choices(), validate_choice=False)


class CustomerSearchForm(SupportForm):
    """Whom support looks at, by an id."""

    text = _line("A Stripe id, or the number of a creative", 255, "Enter an id, such as cus_…, evt_… or 12.", 1)


class DecisionForm(FlaskForm):
    """About a creative: the revision that was looked at, and what a rejection is about, in a word and in words."""

    revision = IntegerField(validators=[Optional()])
    about = StringField()  # a RejectionReason
    reason = StringField(filters=[one_line])


def _is_day(form: Form, field: StringField) -> None:
    try:
        date.fromisoformat(field.data or "2027-01-31")
    except ValueError:
        raise ValidationError("That is no day. Write it like 2027-01-31.") from None


def _day(label: str) -> StringField:
    return StringField(label, [_is_day], [one_line], render_kw={"type": "date"})


class OfferForm(Form):
    text = _line("What it is", 120, "An offer has at most 120 characters.", example="20% off for three months")
    kind = SelectField(
        "Kind", choices=OfferKind.choices(), default=OfferKind.DISCOUNT, invalid_choice_message=NOT_IN_LIST
    )
    code = _line("Code, if there is one", 30, "An offer's code has at most 30 characters.")
    ends_on = _day("Last day, if it ends")


def _tiers() -> list[tuple[str, str]]:
    """The account's tiers, read once a request."""
    if "tier_choices" not in g:
        g.tier_choices = [("", "All tiers"), *briefs.tier_choices(current_user.account)]
    return g.tier_choices


class ReleaseForm(Form):
    text = _line(
        "What is new", MAX_LINE_LENGTH, "A release note has at most 160 characters.", example="Shared calendars"
    )
    released_on = _day("Came out on")
    tier = SelectField("Who has it", choices=_tiers, default="", invalid_choice_message=NOT_IN_LIST)


class RowsField(FieldList):
    """Rows with a text, as they are stored: an empty text takes a row away, and what else is empty is None."""

    def _extract_indices(self, prefix: str, formdata: Any) -> Iterator[int]:
        """WTForms fails on names such as `offers-²`."""
        for index in range(MAX_LINES + 1):
            if f"{prefix}-{index}-text" in formdata:
                yield index

    @property
    def data(self) -> list[dict[str, str | None]]:
        rows = []
        for entry in self.entries:
            if entry.data["text"]:
                rows.append({name: value or None for name, value in entry.data.items()})
        return rows


def mark_differences(form: Form, stored: Form) -> bool:
    """Give each field whose value differs from the stored one `theirs`, which is that as a text. Whether any does."""
    differs = False
    for field in form:
        if field.name not in NOT_OF_THE_KIT and field.data != stored[field.name].data:
            field.theirs, differs = _as_text(stored[field.name].data), True
    return differs


def _as_text(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(map(_as_text, value))
    if isinstance(value, dict):
        return ", ".join(filter(None, value.values()))
    return value or ""


def _colour_field(label: str) -> ColorField:
    return ColorField(label, [Regexp("#[0-9a-fA-F]{6}$", message="A colour looks like #1f6feb.")])


class LookForm(FlaskForm):
    """What the sample pictures show."""

    name = _line("Name in ads", MAX_BRAND_NAME, "A brand needs a name of 1 to 60 characters.", 1)
    primary_colour = _colour_field("Main colour")
    accent_colour = _colour_field("Accent colour")
    tone = RadioField("Tone", choices=Tone.choices(), invalid_choice_message=NOT_IN_LIST)

    @property
    def valid_values(self) -> dict[str, Any]:
        """The values of a brand kit that are valid, of a form that was validated."""
        values = {}
        for field in self:
            if field.name not in NOT_OF_THE_KIT and not field.errors:
                values[field.name] = field.data
        return values


class BrandForm(LookForm):
    """The ad rules come afterwards."""

    version = IntegerField(validators=[Optional()], widget=HiddenInput())
    logo_file = FileField("Logo")
    removes_logo = BooleanField("Remove the logo")
    landing_page = StringField(
        "Landing page",
        [
            Optional(),
            Length(max=500, message="An address has at most 500 characters."),
            Regexp(LANDING_PAGE, message="The landing page must be a full address that starts with https://."),
        ],
        [one_line, with_https],
    )
    support = StringField(
        "Where customers get help",
        [
            Optional(),
            Length(max=500, message="An address has at most 500 characters."),
            Regexp(
                rf"(?:{LANDING_PAGE})|[\w.+-]+@[\w-]+(\.[\w-]+)+$",
                message="Help is a full address that starts with https://, or an e-mail address.",
            ),
        ],
        [one_line, with_https],
    )
    releases = RowsField(FormField(ReleaseForm), "What's new in your product")
    proof = LinesField("Proof")
    offers = RowsField(FormField(OfferForm), "Offers")
    banned_words = LinesField("Words to avoid")
    disclaimer = _line("Disclaimer", 200, "A disclaimer has at most 200 characters.")

    def validate_logo_file(self, field: FileField) -> None:
        """`logo_values` becomes the new logo as it is stored; it stays empty where the logo is to stay."""
        self.logo_values = {}
        if self.removes_logo.data:
            self.logo_values["logo"] = None
        elif field.data:
            try:
                self.logo_values["logo"] = images.read_logo(field.data.read())
            except ManimodError as failure:
                raise ValidationError(str(failure)) from None

    def validate_offers(self, field: FieldList) -> None:
        if len(field.data) > MAX_OFFERS:
            raise ValidationError(f"At most {MAX_OFFERS} offers.")

    def validate_releases(self, field: FieldList) -> None:
        if len(field.data) > MAX_LINES:
            raise ValidationError(f"At most {MAX_LINES} release notes.")


class FirstBrandForm(BrandForm):
    """What the setup asks of the brand kit, so that already the first ad is the owner's."""

    version = tone = support = releases = proof = offers = banned_words = disclaimer = None
