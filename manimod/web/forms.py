"""The forms of the pages: what each field may hold, and a sentence for what is wrong with it.

A rule that needs neither the database nor Stripe is a validator here. The view adds what a service refuses.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from flask import request
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, IntegerField, PasswordField, RadioField, SelectField, StringField
from wtforms.validators import Length, Optional
from wtforms.widgets import HiddenInput

from manimod.accounts import support
from manimod.customers.tiers import MAX_NAME_LENGTH
from manimod.errors import ManimodError, explain
from manimod.lifecycle import KINDS
from manimod.models.states import Plan
from manimod.web.labels import LABELS

NOT_IN_LIST = "Choose one of the list."
MAX_FIELD_NAME_LENGTH = 60
REGIONS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


class Form(FlaskForm):
    class Meta(FlaskForm.Meta):
        def wrap_formdata(self, form: FlaskForm, formdata: Any) -> MultiDict | None:
            """Form fields only: FlaskForm takes JSON as well, and a FieldList fails on names such as `offers-²`."""
            fields = None if request.is_json else super().wrap_formdata(form, formdata)
            if fields is None:
                return None
            kept = MultiDict()
            for name in fields:
                if name.isascii() and len(name) <= MAX_FIELD_NAME_LENGTH:
                    kept.setlist(name, fields.getlist(name))
            return kept

    def refuse(self, field: str, sentence: str) -> None:
        """Show beside a field the problem that a service found."""
        self[field].errors = [*self[field].errors, sentence]

    @contextmanager
    def refusals_beside(self, field: str) -> Iterator[None]:
        """What a service refuses because of the input is shown beside the field, and `errors` holds it."""
        try:
            yield
        except ManimodError as failure:
            if failure.status != 422:
                raise
            self.refuse(field, str(failure))


def one_line(text: str | None) -> str:
    """One line of printable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text or "").split())


class ApiKeyForm(Form):
    api_key = PasswordField("Paste the API key.")
    start_over = BooleanField("Start over")


class SigningSecretForm(Form):
    signing_secret = PasswordField("Paste the signing secret")


class EventsForm(Form):
    """A switch for each kind of moment, under the name of the kind."""


for _name, _kind in KINDS.items():
    setattr(EventsForm, _name, BooleanField(_kind.name, description=_kind.purpose))


class TierNameForm(Form):
    name = StringField("Name", filters=[one_line], render_kw={"maxlength": MAX_NAME_LENGTH, "autocomplete": "off"})


@cache
def _time_zones() -> dict[str, list[tuple[str, str]]]:
    """Region -> its time zones as choices. Old names of places and fixed offsets are left out."""
    choices = {"World": [("UTC", "UTC")]}
    for name in sorted(available_timezones()):
        region, _, place = name.partition("/")
        if region in REGIONS:
            choices.setdefault(region, []).append((name, place.replace("_", " ").replace("/", ", ")))
    return choices


class AccountForm(Form):
    name = StringField(
        "Name",
        [Length(1, 120, "The name is missing or too long. An account needs a name of 1 to 120 characters.")],
        [one_line],
    )
    time_zone = SelectField(
        "Time zone", choices=_time_zones, invalid_choice_message=f"mani doesn't know this time zone. {NOT_IN_LIST}"
    )


class ThemeForm(Form):
    theme = RadioField("Theme", choices=list(LABELS["THEMES"].items()))


class LogoForm(Form):
    logo = FileField("Logo")
    remove = BooleanField("Remove")


class SupportForm(Form):
    """Every action of support needs a reason; `plan` belongs to one of them."""

    reason = StringField(
        "Reason",
        filters=[one_line],
        validators=[Length(1, support.MAX_REASON_LENGTH, explain("REASON_MISSING"))],
        render_kw={"maxlength": support.MAX_REASON_LENGTH},
    )
    plan = SelectField("Plan", choices=Plan.choices(), validate_choice=False)


class DecisionForm(Form):
    """About a creative: the revision that was looked at, and why it is rejected."""

    revision = IntegerField(validators=[Optional()], widget=HiddenInput())
    reason = StringField(
        "Why it doesn't fit (optional)",
        filters=[one_line],
        render_kw={"maxlength": 255, "placeholder": "Why it doesn't fit (optional)", "autocomplete": "off"},
    )
