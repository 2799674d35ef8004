"""Settings > Ad accounts: what only the owner knows and the export's sheets need, asked once."""

import re
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, url_for
from flask_security import current_user
from flask_wtf import FlaskForm
from wtforms import Form, IntegerField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp, ValidationError

from manimod.creatives import briefs, export
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.sheets.ad_accounts import COUNTRIES, LANGUAGES, AdAccounts
from manimod.jobs import transaction
from manimod.models import Account
from manimod.web import render
from manimod.web.auth import owner_required
from manimod.web.forms import one_line

blueprint = Blueprint("ad_accounts", __name__, url_prefix="/settings/ad-accounts")
MAX_BUDGET = 100_000


class CodesField(StringField):
    """A list of codes, typed as codes or as names with commas between them, and shown as names."""

    def __init__(self, label: str, names: Mapping[str, str], **more: Any) -> None:
        super().__init__(label, **more)
        self.names = names

    def _value(self) -> str:
        if self.raw_data:
            return self.raw_data[0]
        return ", ".join(self.names.get(code, code) for code in self.data or ())

    def process_formdata(self, valuelist: list[str]) -> None:
        codes = {name.casefold(): code for code, name in self.names.items()}
        codes |= {code.casefold(): code for code in self.names}
        typed = re.split(r"[,;\n]+", one_line(valuelist[0]) if valuelist else "")
        self.data, self.unknown = [], []
        for word in filter(None, map(str.strip, typed)):
            code = codes.get(word.casefold())
            if code is None:
                self.unknown.append(word)
            elif code not in self.data:
                self.data.append(code)

    def pre_validate(self, form: Form) -> None:
        if getattr(self, "unknown", None):
            raise ValidationError(f"mani doesn't know “{self.unknown[0][:40]}”. Write names with commas between them.")


class WholeNumberField(IntegerField):
    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("Write a whole number, such as 10.") from None


class AdAccountsForm(FlaskForm):
    countries = CodesField("Countries in which the ads run", COUNTRIES)
    languages = CodesField("Languages of your customers", LANGUAGES)
    daily_budget = WholeNumberField(
        "Daily budget of each campaign",
        [
            InputRequired("Write a whole number, such as 10."),
            NumberRange(1, MAX_BUDGET, f"A daily budget is a whole number from 1 to {MAX_BUDGET:,}."),
        ],
    )
    currency = StringField(
        "Currency of your ad accounts", [Regexp("[A-Z]{3}$", message="A currency has three letters, such as EUR.")]
    )
    page_id = StringField(
        "Facebook page ID",
        [
            Optional(),
            Regexp(r"\d{5,20}$", message="A page's ID has 5 to 20 digits: About, Page transparency."),
        ],
        [one_line],
    )
    instagram_account = StringField(
        "Instagram account ID",
        [Optional(), Regexp(r"\d{5,20}$", message="An account's ID has 5 to 20 digits.")],
        [one_line],
    )
    payer = StringField("Who pays for the ads", [Length(max=120, message="At most 120 characters.")], [one_line])
    link_pattern = TextAreaField(
        "What is added to each link", [Length(1, 300, "Between 1 and 300 characters.")], [one_line]
    )

    def validate_languages(self, field: CodesField) -> None:
        if not field.data:
            raise ValidationError("At least one language, such as English.")

    def validate_link_pattern(self, field: StringField) -> None:
        field.data = field.data.lstrip("?&")
        if "{content}" not in field.data:
            raise ValidationError("{content}, which says the ad, is missing. Add utm_content={content}.")
        accounts = AdAccounts.from_json({"link_pattern": field.data})
        page = briefs.get_brand_kit(current_user.account).landing_page or "https://example.com/"
        link = accounts.example_link(page)
        for finding in policy.check_link(link) + policy.check_ad_name(link.removeprefix(page)):
            raise ValidationError(finding.message)


@blueprint.route("", methods=["GET", "POST"], strict_slashes=False)
@owner_required
def show(account: Account) -> Response:
    form = AdAccountsForm(obj=export.get_ad_accounts(account))
    if form.validate_on_submit():
        values = {name: value or "" for name, value in form.data.items() if name != "csrf_token"}
        with transaction():
            account.ad_accounts = values | {"countries": form.countries.data, "languages": form.languages.data}
        return render.redirect_with_toast(url_for("ad_accounts.show"), "Ad accounts saved.")
    return render.page("settings/ad_accounts.html", status=422 if form.is_submitted() else 200, form=form)
