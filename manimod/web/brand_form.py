"""The brand page's form: lengths, lists, colours, addresses and days. The ad rules come afterwards."""

import re
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from wtforms import ColorField, FieldList, FormField, IntegerField, RadioField, SelectField, StringField, TextAreaField
from wtforms import Form as SubForm
from wtforms.validators import Length, Optional, Regexp, ValidationError
from wtforms.widgets import HiddenInput

from manimod.creatives.engine.brief import OfferKind, Tone
from manimod.web.forms import NOT_IN_LIST, Form, one_line

MAX_LINES = 50  # banned words, proof and release notes of an account
MAX_LINE_LENGTH = 160
MAX_OFFERS = 10


class LinesField(TextAreaField):
    """A text area whose value is a list of lines, each once."""

    def _value(self) -> str:
        return "\n".join(self.data or [])

    def process_formdata(self, valuelist: list[str]) -> None:
        if valuelist:
            lines = map(one_line, valuelist[0].splitlines())
            self.data = list(dict.fromkeys(filter(None, lines)))

    def pre_validate(self, form: SubForm) -> None:
        lines = self.data or []
        if len(lines) > MAX_LINES or max(map(len, lines), default=0) > MAX_LINE_LENGTH:
            raise ValidationError(f"At most {MAX_LINES} lines of {MAX_LINE_LENGTH} characters each.")


class OfferForm(SubForm):
    text = StringField("What it is", [Length(max=120, message="An offer has at most 120 characters.")], [one_line])
    kind = SelectField(
        "Kind",
        choices=OfferKind.choices(),
        default=OfferKind.DISCOUNT,
        invalid_choice_message=NOT_IN_LIST,
    )
    code = StringField(
        "Code, if there is one", [Length(max=30, message="An offer's code has at most 30 characters.")], [one_line]
    )
    ends_on = StringField("Last day, if it ends", filters=[one_line], render_kw={"type": "date"})

    def validate_ends_on(self, field: StringField) -> None:
        try:
            date.fromisoformat(field.data or "2027-01-31")
        except ValueError:
            raise ValidationError("An end date is a day like 2027-01-31.") from None


def _colour_field(label: str) -> ColorField:
    return ColorField(label, [Regexp("#[0-9a-fA-F]{6}$", message="A colour looks like #1f6feb.")])


class OffersField(FieldList):
    @property
    def data(self) -> list[dict[str, str | None]]:
        """The offers as they are stored: those with a text; an empty code or day is None."""
        offers = []
        for row in self.entries:
            if row.data["text"]:
                offers.append({name: value or None for name, value in row.data.items()})
        return offers


class LookForm(Form):
    """What the sample pictures show."""

    name = StringField("Name in ads", [Length(1, 60, "A brand needs a name of 1 to 60 characters.")], [one_line])
    primary_colour = _colour_field("Main colour")
    accent_colour = _colour_field("Accent colour")
    tone = RadioField("Tone", choices=Tone.choices(), invalid_choice_message=NOT_IN_LIST)

    @property
    def valid_values(self) -> dict[str, Any]:
        """The values of a brand kit that are valid, of a form that was validated."""
        values = {}
        for field in self:
            if field.name not in ("version", "csrf_token") and not field.errors:
                values[field.name] = field.data
        return values


class BrandForm(LookForm):
    version = IntegerField(validators=[Optional()], widget=HiddenInput())
    landing_page = StringField(
        "Landing page", [Optional(), Length(max=500, message="An address has at most 500 characters.")], [one_line]
    )
    release_notes = LinesField("What's new in your product")
    proof = LinesField("Proof")
    offers = OffersField(FormField(OfferForm))
    banned_words = LinesField("Words to avoid")
    disclaimer = StringField(
        "Disclaimer", [Length(max=200, message="A disclaimer has at most 200 characters.")], [one_line]
    )

    def validate_landing_page(self, field: StringField) -> None:
        problem = ValidationError("The landing page must be a full address that starts with https://.")
        try:
            parts = urlsplit(field.data)
            parts.port  # noqa: B018  raises for a port that is none
        except ValueError:
            raise problem from None
        is_plain = field.data.isprintable() and not re.search(r"[\s\"'<>\\]", field.data)
        if not is_plain or parts.scheme != "https" or "." not in (parts.hostname or "") or parts.username:
            raise problem

    def validate_offers(self, field: FieldList) -> None:
        if len(field.data) > MAX_OFFERS:
            raise ValidationError(f"At most {MAX_OFFERS} offers.")
