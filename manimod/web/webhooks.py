"""Where Stripe delivers. An answer of 200 means that the event is in the database."""

from flask import Blueprint, Response, make_response, request

from manimod.errors import ManimodError
from manimod.extensions import csrf
from manimod.flow import connections, inbox
from manimod.jobs import transaction

LARGEST_BODY = 1024 * 1024

blueprint = Blueprint("webhooks", __name__)


@blueprint.post("/webhooks/stripe/<token>")
@csrf.exempt
def stripe(token: str) -> Response:
    request.max_content_length = LARGEST_BODY
    body = request.get_data()
    connection = connections.by_token(token)
    try:
        with transaction():
            inbox.receive(connection, body, request.headers.get("Stripe-Signature"))
    except ManimodError as failure:
        with transaction():
            inbox.note_refusal(connection, failure)
        raise
    response = make_response("ok\n", 200)
    response.mimetype = "text/plain"
    return response
