"""dj-stripe as its documentation sets it up, in one file: settings, addresses, and what its database holds before.

python -m bench.dj_stripe_site    makes its tables, the account, its key and the webhook endpoint

DATABASE_URL, STRIPE_URL (the sandbox) and STRIPE_KEY come from the environment; DEFERS leaves the work for later.
What is left out serves its speed: no admin, no log, no middleware but the one that tells an answer's length, and no
migrations, which take a minute: the tables are made from its models. Python and libraries are those of .venv-peers.
"""

import os
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import include, path

from bench import SIGNING_SECRET

ENDPOINT = "00000000-0000-4000-8000-000000000001"
WEBHOOK = f"/stripe/webhook/{ENDPOINT}/"


def database(url: str) -> dict:
    """A persistent connection a thread, with mani's own promises about a power cut."""
    if url.startswith("sqlite"):
        promises = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL"
        options = {"timeout": 15, "transaction_mode": "IMMEDIATE", "init_command": promises}
        named = {"ENGINE": "django.db.backends.sqlite3", "NAME": url.removeprefix("sqlite:///"), "OPTIONS": options}
    else:
        parts = urlsplit(url)
        named = {"ENGINE": "django.db.backends.postgresql", "NAME": parts.path[1:], "USER": parts.username}
        named |= {"HOST": parts.hostname, "PORT": parts.port, "PASSWORD": parts.password or ""}
    return named | {"CONN_MAX_AGE": None}


def leave_for_later(trigger, api_key: str) -> None:
    """Where a job would be enqueued."""


settings.configure(
    DEBUG=False,
    SECRET_KEY="s" * 50,
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": database(os.environ["DATABASE_URL"])},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "djstripe"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    MIGRATION_MODULES={"auth": None, "contenttypes": None, "djstripe": None},
    LOGGING_CONFIG=None,
    USE_TZ=True,
    STRIPE_LIVE_MODE=False,
    STRIPE_TEST_SECRET_KEY=os.environ["STRIPE_KEY"],
    STRIPE_API_HOST=os.environ["STRIPE_URL"],
    DJSTRIPE_FOREIGN_KEY_TO_FIELD="id",
    DJSTRIPE_WEBHOOK_EVENT_CALLBACK=leave_for_later if os.environ.get("DEFERS") else None,
)
django.setup()
urlpatterns = [
    path("healthz", lambda _request: HttpResponse("ok")),
    path("stripe/", include("djstripe.urls", namespace="djstripe")),
]
application = get_wsgi_application()


def prepare() -> None:
    from djstripe.models import APIKey, WebhookEndpoint

    call_command("migrate", run_syncdb=True, verbosity=0)
    key, _ = APIKey.objects.get_or_create_by_api_key(os.environ["STRIPE_KEY"])
    key.refresh_account()
    WebhookEndpoint.objects.create(
        id="we_bench",
        djstripe_uuid=ENDPOINT,
        djstripe_owner_account=key.djstripe_owner_account,
        livemode=False,
        secret=SIGNING_SECRET,
        status="enabled",
        enabled_events=["*"],
        url=f"http://127.0.0.1{WEBHOOK}",
    )


if __name__ == "__main__":
    prepare()
