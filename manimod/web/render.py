"""One view, two shapes: the whole page for a browser, and the block or partial for htmx.

`also` names partials that are swapped out of band, for htmx only.
"""

from typing import Any

from flask import Response, flash, make_response, redirect, render_template, request
from jinja2_fragments.flask import render_block

# The form comes back with both versions: what was typed, and what was saved since it was opened.
CONFLICT = "Somebody else, or another tab, has saved meanwhile. Both versions are here: what you save now is kept."
MIMETYPES = {"svg": "image/svg+xml", "png": "image/png", "jpeg": "image/jpeg"}


def wants_fragment() -> bool:
    """Whether htmx asks for part of a page. A boosted link or a restored history entry wants the whole page."""
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request


def page(template: str, fragment: str | None = None, status: int = 200, also: tuple = (), **context: Any) -> Response:
    """The template's block `fragment` for htmx, the page for everyone else."""
    if fragment and wants_fragment():
        return partial(template, status, also, fragment, **context)
    return partial(template, status, **context)


def partial(template: str, status: int = 200, also: tuple = (), block: str | None = None, **context: Any) -> Response:
    """A partial by itself or a block of a template, and `also`. Without a template, `also` is all."""
    html = ""
    if block:
        html = render_block(template, block, **context)
    elif template:
        html = render_template(template, **context)
    for name in also:
        html += render_template(name, oob=True, **context)
    response = make_response(html, status)
    response.vary.add("HX-Request")
    return response


def success_response(
    template: str, address: str, toast: str, undo: dict | None = None, also: tuple = (), **context: Any
) -> Response:
    """The response to a successful action: the changed partial and a toast; for a plain form a redirect (303).

    `undo` gives the toast a button: the address to post to, and htmx's target and swap.
    """
    if not wants_fragment():
        return redirect_with_toast(address, toast, undo and {"address": undo["address"]})
    return partial(template, also=(*also, "_toast.html"), message={"text": toast, "undo": undo}, **context)


def redirect_with_toast(address: str, toast: str = "", undo: dict | None = None) -> Response:
    """Leave the page, also from htmx. The next page shows the toast, with `undo` as in `success_response`."""
    if toast:
        flash({"text": toast, "undo": undo}, "toast")
    if wants_fragment():
        return make_response("", 200, {"HX-Redirect": address})
    return redirect(address, 303)


def over_the_form(response: Response) -> Response:
    """Let htmx show the form that comes with a conflict, though its status is an error's."""
    response.headers["HX-Reswap"] = "outerHTML"
    return response


def picture(content: str | bytes, kind: str, version: str | None = None) -> Response:
    """An SVG, PNG or JPEG that can do nothing. Browsers keep it for good where its address names its version."""
    response = Response(content, mimetype=MIMETYPES[kind])
    response.headers["Content-Security-Policy"] = "default-src 'none'; img-src data:; style-src 'none'"
    if version:
        response.set_etag(version, weak=True)
        is_kept = request.args.get("v") == version
        response.headers["Cache-Control"] = "private, max-age=31536000, immutable" if is_kept else "private, no-cache"
    return response.make_conditional(request)
