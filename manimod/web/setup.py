"""The setup: from anywhere to its next step, and whose ads these are, asked once Stripe is connected."""

from flask import Blueprint, Response, g, redirect, url_for
from flask_security import current_user

from manimod.creatives import brand_kit, briefs
from manimod.diagnostics import setup
from manimod.jobs import transaction
from manimod.models import Account
from manimod.models.accounts import PLACEHOLDER_NAME
from manimod.web import forms, modes, render
from manimod.web.auth import owner_required

blueprint = Blueprint("setup", __name__, url_prefix="/setup")


@blueprint.get("", strict_slashes=False)
@owner_required
def next_step(account: Account) -> Response:
    """To the place of the first step that is not done; to the dashboard once all are."""
    for step in setup_steps():
        if step["is_next"]:
            return redirect(url_for(step["endpoint"], mode=step.get("mode"), _anchor=step.get("anchor")))
    return redirect(url_for("dashboard.show"))


@blueprint.route("/brand", methods=["GET", "POST"])
@owner_required
def brand(account: Account) -> Response:
    """The name, colours and landing page of the ads. What Stripe has of them is proposed."""
    kit, connection = briefs.get_brand_kit(account), modes.connection_of(account)
    form = forms.FirstBrandForm(obj=kit)
    if kit.version == 0 and not form.is_submitted():
        known = connection and connection.stripe_account_name
        form.name.data = known or form.name.data.replace(PLACEHOLDER_NAME, "")
    if form.validate_on_submit():
        try:
            with transaction():
                brand_kit.save(account, form.valid_values)
                if connection and connection.stripe_account_name is None:
                    connection.stripe_account_name = form.name.data
            return render.redirect_with_toast(url_for("setup.next_step"), "Brand saved.")
        except brand_kit.BrandRejected as rejection:
            for field, sentence in rejection.problems.items():
                form[field if field in form else "name"].errors = [sentence]
    status = 422 if form.is_submitted() else 200
    return render.page("setup/brand.html", status=status, form=form, connection=connection)


@blueprint.app_template_global()
def setup_steps() -> list[dict]:
    """The steps of the signed-in owner's setup, read once a request."""
    if "setup_steps" not in g:
        g.setup_steps = setup.get_steps(current_user.account, modes.shows_live(current_user.account))
    return g.setup_steps
