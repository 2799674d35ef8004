"""One view, two shapes: the whole page for a browser, and the block or partial for htmx."""

from urllib.parse import SplitResult, urlsplit

from flask import Response, current_app, flash, make_response, redirect, render_template, request


def wants_fragment() -> bool:
    """Whether htmx asks for a part of a page; a boosted link or a restored history entry wants all of it."""
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request


def came_from() -> str | None:
    """The page of mani from which the request came, as an address to lead back to."""
    origin = address_parts(request.referrer)
    if origin.netloc != request.host:
        return None
    return "/" + origin.path.lstrip("/\\") + (f"?{origin.query}" if origin.query else "")


def address_parts(told: str | None) -> SplitResult:
    """The parts of an address that a browser tells; all empty where it is none."""
    try:
        return urlsplit(told or "")
    except ValueError:
        return urlsplit("")


def page(
    template: str, fragment: str | None = None, status: int = 200, also: tuple[str, ...] = (), **context: object
) -> Response:
    """The template's block `fragment` for htmx, the page for everyone else. `also`: partials to swap out of band."""
    if fragment and wants_fragment():
        return _answer(_block(template, fragment, context) + _out_of_band(also, context), status)
    return _answer(render_template(template, **context), status)


def partial(template: str, status: int = 200, also: tuple[str, ...] = (), **context: object) -> Response:
    """A partial by itself, for htmx only. `also`: partials to swap out of band."""
    return _answer(render_template(template, **context) + _out_of_band(also, context), status)


def changed(
    partial: str | None,
    go_to: str,
    toast: str,
    undo: dict | None = None,
    also: tuple[str, ...] = (),
    **context: object,
) -> Response:
    """What a successful action answers: the changed partial and a toast, or for a plain form the way back (303).

    `undo` gives the toast a button: the address to post to, and htmx's target and swap.
    """
    if not wants_fragment():
        flash({"text": toast, "undo": undo and {"address": undo["address"]}}, "toast")
        return redirect(go_to, 303)
    html = render_template(partial, **context) if partial else ""
    return _answer(html + _out_of_band(also, context) + _toast({"text": toast, "undo": undo}), 200)


def sorry(sentence: str, status: int) -> Response:
    """A failed htmx action: nothing is swapped, a toast says why."""
    response = _answer(_toast({"text": sentence, "is_error": True}), status)
    response.headers["HX-Reswap"] = "none"
    return response


def send_to(address: str, toast: str = "", undo: dict | None = None) -> Response:
    """Leave the page, from htmx as well; the next page shows the toast, with `undo` as in `changed`."""
    if toast:
        flash({"text": toast, "undo": undo}, "toast")
    if wants_fragment():
        response = make_response("", 200)
        response.headers["HX-Redirect"] = address
        return response
    return redirect(address, 303)


def _toast(message: dict) -> str:
    return render_template("_toast.html", message=message)


def _out_of_band(partials: tuple[str, ...], context: dict) -> str:
    return "".join(render_template(partial, oob=True, **context) for partial in partials)


def _block(template: str, fragment: str, context: dict) -> str:
    current_app.update_template_context(context)
    loaded = current_app.jinja_env.get_template(template)
    return "".join(loaded.blocks[fragment](loaded.new_context(context)))


def _answer(html: str, status: int) -> Response:
    response = make_response(html, status)
    response.vary.add("HX-Request")
    return response
