// What is pressed is not lost: it is done again when the connection is back, after a new sign-in and with a new token.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const dialog = $("#sign-in-again");
  const unsaved = new Map(); // a card, or else the form or switch that was pressed -> the press
  let isLost = false;
  let isSending = false;
  let isAsked = false; // for a sign-in: again only when something is pressed
  const renewed = new WeakSet(); // what was pressed again with a new token: once is enough

  const placeOf = (elt) => elt.closest("article") ?? elt;
  const isPress = ({ elt, verb }) => verb === "post" && elt.matches("form, button, input[type=checkbox]");
  const keep = ({ requestConfig: { elt, path, triggeringEvent }, target }) => {
    forget(elt);
    const note = document.createElement("p");
    note.className = "small fw-semibold text-warning-emphasis my-1";
    note.setAttribute("role", "status");
    note.textContent = "Not saved yet";
    (elt.closest("form") ?? elt).append(note);
    const button = triggeringEvent?.submitter;
    unsaved.set(placeOf(elt), { elt, path, target, note, values: button?.name ? { [button.name]: button.value } : {} });
  };
  const forget = (elt) => {
    unsaved.get(placeOf(elt))?.note.remove();
    unsaved.delete(placeOf(elt));
  };
  const sendAgain = async () => {
    if (isSending) return;
    isSending = true;
    for (const { elt, path, target, values } of [...unsaved.values()]) {
      if (elt.isConnected) await htmx.ajax("post", path, { source: elt, target, values }).catch(() => {});
      else forget(elt);
      if (isLost) break;
    }
    isSending = false;
  };
  window.addEventListener("beforeunload", (event) => unsaved.size && event.preventDefault());

  // A lost connection is said, and taken back when the next answer arrives.
  const say = (lost) => {
    isLost = lost;
    $("#connection-lost").hidden = !lost;
    document.documentElement.classList.toggle("offline", lost);
  };
  const onLost = ({ detail }) => {
    say(true);
    if (isPress(detail.requestConfig)) keep(detail);
  };
  document.addEventListener("htmx:sendError", onLost);
  document.addEventListener("htmx:timeout", onLost);
  window.addEventListener("offline", () => say(true));
  window.addEventListener("online", sendAgain);
  setInterval(() => isLost && unsaved.size && sendAgain(), 5000);
  document.addEventListener("htmx:beforeOnLoad", ({ detail }) => {
    if (isPress(detail.requestConfig)) forget(detail.requestConfig.elt);
    if (!isLost) return;
    say(false);
    sendAgain();
  });

  // The session or the form's token has ended: nothing is swapped, and the press is kept until there is a new one.
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const { elt } = detail.requestConfig;
    const pressed = isPress(detail.requestConfig);
    const code = detail.xhr.getResponseHeader("X-Error-Code");
    if (code === "SIGNED_OUT") {
      if (pressed || !isAsked) load(`/sign-in?signed_out=${pressed ? "press" : "page"}`);
      isAsked = true;
    } else if (code === "FORM_EXPIRED" && pressed && !renewed.has(elt)) {
      renewed.add(elt);
      load(location.href);
    } else {
      return;
    }
    detail.shouldSwap = detail.isError = false;
    if (pressed) keep(detail);
  });
  const load = (address, options) => fetch(address, options).then(show, () => say(true));
  const show = async (response) => {
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const modal = bootstrap.Modal.getOrCreateInstance(dialog);
    const { user } = page.body.dataset;
    if (new URL(response.url).pathname.startsWith("/sign-in")) {
      $(".modal-body", dialog).replaceChildren(...$("main section", page).childNodes);
      modal.show();
      focus();
    } else if (user && user !== document.body.dataset.user) {
      unsaved.clear();
      location.assign("/");
    } else if (user) {
      takeOver(page.body.getAttribute("hx-headers"));
      modal.hide();
    }
  };
  const takeOver = (headers) => {
    const token = JSON.parse(headers)["X-CSRFToken"];
    const own = JSON.parse(document.body.getAttribute("hx-headers")); // the page goes on with live or test data as it is
    document.body.setAttribute("hx-headers", JSON.stringify({ ...own, "X-CSRFToken": token }));
    for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = token;
    isAsked = false;
    sendAgain();
  };
  const focus = () => {
    const email = $("[name=email]", dialog);
    if (email) email.value ||= document.body.dataset.user;
    [...dialog.querySelectorAll("input:not([type=hidden])")].find((field) => !field.value)?.focus();
  };
  dialog.addEventListener("shown.bs.modal", focus);
  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    load(event.target.action, { method: "post", body: new URLSearchParams(new FormData(event.target)) });
  });
})();
