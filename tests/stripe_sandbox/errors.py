"""The errors Stripe answers with. Wording and codes: Stripe API reference and error codes page, checked 2026-11-22."""

import hashlib
import json

DASHBOARD = "https://dashboard.stripe.com"
# Rows of the dashboard's page about a restricted key, by the permissions that they give.
ROWS = {
    "accounts_kyc_basic": "Basic Business Contact Information",
    "customer": "Customers",
    "event": "Events",
    "invoice": "Invoices",
    "plan": "Prices",
    "product": "Products",
    "subscription": "Subscriptions",
    "webhook": "Webhook Endpoints",
}
HELP = "Please see https://stripe.com/docs or we can help at https://support.stripe.com/."


class StripeError(Exception):
    def __init__(self, status, message, *, code=None, param=None, kind="invalid_request_error", headers=None):
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.fields = {"message": message, "type": kind}
        if code:
            self.fields |= {"code": code, "doc_url": f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"}
        if param:
            self.fields["param"] = param

    def body(self) -> bytes:
        return json.dumps({"error": self.fields}, indent=2).encode()


def mask(secret: str) -> str:
    """A key as Stripe shows it in messages: the kind and the last four characters."""
    kept = secret.rfind("_") + 1
    return f"{secret[:kept]}{'*' * max(4, len(secret) - kept - 4)}{secret[-4:]}"


def missing_key():
    return StripeError(
        401,
        "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer "
        "auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for "
        "details, or we can help at https://support.stripe.com/.",
    )


def invalid_key(secret):
    return StripeError(401, f"Invalid API Key provided: {mask(secret)}")


def expired_key(secret):
    return StripeError(401, f"Expired API Key provided: {mask(secret)}", code="api_key_expired")


def publishable_key():
    return StripeError(
        401,
        "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of "
        "your API keys at https://dashboard.stripe.com/account/apikeys.",
        code="secret_key_required",
    )


def wrong_address():
    return StripeError(401, "The API key provided does not allow requests from your IP address.")


def missing_permission(secret, account_id, permission, wording="today"):
    """Stripe has said it in two ways; the newer one, of 2026, has a code, an edit link and the dashboard's row."""
    needs = f"The provided key '{mask(secret)}' does not have the required permissions for this endpoint on account"
    if wording == "old":
        return StripeError(
            403, f"{needs} '{account_id}'. Having the '{permission}' permission would allow this request to continue."
        )
    name = permission.removeprefix("rak_")
    resource, _, access = name.rpartition("_")
    row = ROWS.get(resource, resource.replace("_", " ").title())
    known_as = hashlib.sha256(secret.encode()).hexdigest()[:24]
    edit = f"{DASHBOARD}/b/{account_id}?destination=%2Fapikeys%2Fmk_{known_as}%2Fedit"
    error = StripeError(
        403,
        f"Permission denied. {needs} '{account_id}'. Enabling \"{row} {access.title()}\" ('{name}') permissions on "
        f"this key would allow this request to continue. You can edit permissions at {edit}",
        code="more_permissions_required",
    )
    error.fields["request_log_url"] = f"{DASHBOARD}/{account_id}/workbench/logs?object=apikey_{known_as}"
    return error


def declined():
    return StripeError(402, "Your card was declined.", code="card_declined", kind="card_error")


def no_payment_method():
    return StripeError(
        400,
        "This customer has no attached payment source or default payment method. Please consider adding a default "
        "payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting"
        "#payment-method-priority.",
        code="resource_missing",
    )


def no_such(kind, ident, *, livemode=None, elsewhere=False, param="id"):
    """`elsewhere` says that the other mode of the account holds this id, which Stripe mentions."""
    message = f"No such {kind}: '{ident}'"
    if elsewhere:
        here, there = ("live", "test") if livemode else ("test", "live")
        message += f"; a similar object exists in {there} mode, but a {here} mode key was used to make this request."
    return StripeError(404, message, code="resource_missing", param=param)


def no_such_address(method, path):
    return StripeError(404, f"Unrecognized request URL ({method}: {path}). {HELP}")


def unknown_parameter(name):
    return StripeError(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name)


def missing_parameter(name):
    return StripeError(400, f"Missing required param: {name}.", code="parameter_missing", param=name)


def invalid(name, message, code=None):
    return StripeError(400, message, code=code, param=name)


def rate_limited(reason="endpoint-rate"):
    return StripeError(
        429,
        "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
        code="rate_limit",
        headers={"Stripe-Rate-Limited-Reason": reason},
    )


def server_fault(status=500):
    return any_fault(status)


def any_fault(status, message=None, code=None):
    kind = "api_error" if status >= 500 else "invalid_request_error"
    unknown = "An unknown error occurred while processing the request. If this persists, contact support."
    return StripeError(status, message or unknown, code=code, kind=kind)
