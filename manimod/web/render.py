"""One view, two shapes: the whole page for a browser, and the block or partial for htmx."""

from urllib.parse import SplitResult, urlsplit

from flask import Response, flash, make_response, redirect, render_template, request
from jinja2_fragments.flask import render_block


def wants_fragment() -> bool:
    """Whether htmx asks for part of a page. A boosted link or a restored history entry wants the whole page."""
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request


def referrer() -> str | None:
    """The page of mani that the request came from, as a local address to lead back to."""
    origin = split_address(request.referrer)
    if origin.netloc != request.host:
        return None
    return local_address(origin)


def local_address(parts: SplitResult) -> str:
    """Path and query of an address, which cannot lead to another site."""
    return "/" + parts.path.lstrip("/\\") + (f"?{parts.query}" if parts.query else "")


def split_address(address: str | None) -> SplitResult:
    """The parts of an address that a browser sent; all empty if it is not one."""
    try:
        return urlsplit(address or "")
    except ValueError:
        return urlsplit("")


def page(
    template: str, fragment: str | None = None, status: int = 200, also: tuple[str, ...] = (), **context: object
) -> Response:
    """The template's block `fragment` for htmx, the page for everyone else. `also`: partials to swap out of band."""
    if fragment and wants_fragment():
        return _respond(render_block(template, fragment, **context), status, also, context)
    return _respond(render_template(template, **context), status)


def partial(template: str, status: int = 200, also: tuple[str, ...] = (), **context: object) -> Response:
    """A partial by itself, for htmx only. `also`: partials to swap out of band."""
    return _respond(render_template(template, **context), status, also, context)


def success_response(
    partial: str | None,
    address: str,
    /,
    toast: str,
    undo: dict | None = None,
    also: tuple[str, ...] = (),
    **context: object,
) -> Response:
    """The response to a successful action: the changed partial and a toast; for a plain form a redirect (303).

    `undo` gives the toast a button: the address to post to, and htmx's target and swap.
    """
    if not wants_fragment():
        return redirect_with_toast(address, toast, undo and {"address": undo["address"]})
    html = render_template(partial, **context) if partial else ""
    return _respond(html, 200, (*also, "_toast.html"), context | {"message": {"text": toast, "undo": undo}})


def error_toast(sentence: str, status: int) -> Response:
    """The response to a failed htmx action: nothing is swapped, and a toast says why."""
    response = partial("_toast.html", status, message={"text": sentence, "is_error": True})
    response.headers["HX-Reswap"] = "none"
    return response


def redirect_with_toast(address: str, toast: str = "", undo: dict | None = None) -> Response:
    """Leave the page, also from htmx. The next page shows the toast, with `undo` as in `success_response`."""
    if toast:
        flash({"text": toast, "undo": undo}, "toast")
    if wants_fragment():
        return make_response("", 200, {"HX-Redirect": address})
    return redirect(address, 303)


def _respond(html: str, status: int, also: tuple[str, ...] = (), context: dict | None = None) -> Response:
    for template in also:
        html += render_template(template, oob=True, **(context or {}))
    response = make_response(html, status)
    response.vary.add("HX-Request")
    return response
