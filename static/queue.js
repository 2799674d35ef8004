// The review queue and the page of one creative: the keyboard, what is selected, and cards that come and go.
// Both pages work without this file.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const cards = () => [...document.querySelectorAll("article.creative")];
  const atHand = () => document.activeElement.closest?.("article.creative");
  const focusCard = (card) => (card ? $("button", card) ?? $("h2 a", card) : $("#main")).focus();

  // Shortcuts press what carries their key: in the card that is at hand, in the latest toast, or on the page.
  const off = () => localStorage.getItem("mani-shortcuts") === "off";
  const walk = (step) => {
    const all = cards();
    const next = all[Math.max(0, all.indexOf(atHand()) + step)] ?? all.at(-1);
    if (next) $("h2 a", next).focus();
  };
  const flip = () => {
    const variants = [...(atHand()?.querySelectorAll(".flip input") ?? [])];
    const next = variants[(variants.findIndex((variant) => variant.checked) + 1) % variants.length];
    if (!next) return;
    next.checked = true;
    $("#announcer").textContent = next.getAttribute("aria-label");
  };
  const press = (key) => {
    const inQueue = Boolean($("#queue-cards"));
    if (inQueue && key === "j") return walk(1);
    if (inQueue && key === "k") return walk(-1);
    if (key === "v") return flip();
    if (key === "u") return [...document.querySelectorAll(".toast-action")].at(-1)?.click();
    const place = inQueue && key !== "?" ? atHand() : document;
    const found = place && $(`[data-key="${CSS.escape(key)}"]`, place);
    if (!found) return;
    found.matches("input[type=text], input:not([type])") ? found.focus() : found.click();
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || $(".modal.show")) return;
    if (event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]")) return;
    if (event.key.length !== 1 || (off() && event.key !== "?") || !$("#shortcuts")) return;
    if (!"jkaroxnuv?".includes(event.key.toLowerCase())) return;
    event.preventDefault();
    event.key === "?" ? bootstrap.Modal.getOrCreateInstance("#shortcuts").show() : press(event.key.toLowerCase());
  });
  const onOff = $("[data-shortcuts-on]");
  if (onOff) {
    onOff.checked = !off();
    onOff.addEventListener("change", () => localStorage.setItem("mani-shortcuts", onOff.checked ? "on" : "off"));
  }

  // The keyboard goes on: with the neighbour of a card that leaves, and with the first card that “Show more” brings.
  let goesOn = false; // as soon as there is a card again
  const leave = (card) => {
    if (!card.contains(document.activeElement)) return;
    const neighbour = card.nextElementSibling?.matches(".creative") ? card.nextElementSibling : card.previousElementSibling;
    neighbour ? focusCard(neighbour) : (goesOn = true);
  };
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const { target } = detail;
    if (target.matches(".creative") && !detail.serverResponse.includes('class="card creative"')) leave(target);
    if (target.matches(".creative, #queue") && target.contains(document.activeElement)) goesOn = true;
    if (target.id === "more" && target.contains(document.activeElement)) {
      const last = cards().at(-1);
      const focusNext = () => focusCard(last ? last.nextElementSibling : cards()[0]);
      document.addEventListener("htmx:afterSwap", focusNext, { once: true });
    }
  });

  // Cards that have left in another tab or by another person; and one that has come again, such as a set that an event
  // has joined: it moves to the top, unless somebody is about to decide about it.
  const removeLeft = () => {
    const arrivals = $("#arrivals[data-ids]");
    if (!arrivals) return;
    const waiting = new Set(arrivals.dataset.ids.split(" ").filter(Boolean));
    delete arrivals.dataset.ids;
    for (const card of cards()) {
      const isStill = waiting.delete(card.id.replace("creative-", ""));
      if (isStill || $("[data-note]", card)) continue;
      leave(card);
      card.remove();
    }
    if (waiting.size && !$("#more")) reload(); // such as one that somebody has put back
  };
  const boxes = () => [...document.querySelectorAll("input[name=id][form]")];
  const reload = async () => {
    const selected = boxes().filter((box) => box.checked).map((box) => box.value);
    const id = atHand()?.id;
    await htmx.ajax("GET", location.href, { target: "#queue", swap: "outerHTML" });
    for (const box of boxes()) box.checked = selected.includes(box.value);
    showSelected();
    if (id) focusCard(document.getElementById(id) ?? cards()[0]);
  };
  const removeTwice = () => {
    const first = new Map();
    for (const card of cards()) {
      const newer = first.get(card.id);
      const { key } = document.activeElement.dataset;
      const isAtHand = card.contains(document.activeElement);
      const isSelected = $("input[name=id]", card)?.checked;
      if (!newer) first.set(card.id, card);
      else if (isAtHand || isSelected) card.replaceWith(newer);
      else card.remove();
      if (newer && isSelected) $("input[name=id]", newer).checked = true;
      if (newer && isAtHand) ($(`[data-key="${key}"]`, newer) ?? $("h2 a", newer)).focus();
    }
  };
  document.addEventListener("htmx:afterSwap", removeTwice);

  // After a decision of its own the queue asks for everything: somebody may have taken that back meanwhile.
  let hasDecided = false;
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.elt.id === "arrivals" && hasDecided) detail.path = detail.path.replace(/seen=\w+/, "seen=");
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (!detail.successful) return;
    if (detail.requestConfig.verb === "post") hasDecided = true;
    else if (detail.requestConfig.elt.id === "arrivals") hasDecided = false;
  });

  // The next cards come before the last is gone.
  const REFILL_BELOW = 6;
  const refill = () => {
    const list = $("#queue-cards");
    if (!list) return;
    const more = $("#more a");
    const isBehind = !cards().length && Number($("#queue-tabs").dataset.matching) > 0;
    if (more && cards().length < REFILL_BELOW) htmx.trigger(more, "click");
    else if (!more && (isBehind || (cards().length && !$("#queue-filters")))) reload();
  };

  // What is selected, and all that match where everything in sight is selected.
  const showSelected = () => {
    const inSight = boxes().length;
    const chosen = boxes().filter((box) => box.checked).length;
    const all = $("#select-all-matching");
    if (all) {
      const box = $("input[type=checkbox]", all);
      all.hidden = !inSight || chosen < inSight || Number(box.dataset.count) <= inSight;
      if (all.hidden) box.checked = false;
    }
    for (const button of document.querySelectorAll("[data-for-selected]")) button.disabled = !chosen;
  };
  document.addEventListener("change", showSelected);
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-select-all]")) return;
    const select = boxes().some((box) => !box.checked);
    for (const box of boxes()) box.checked = select;
    showSelected();
  });

  const settle = () => {
    removeLeft();
    showSelected();
    refill();
    if (!goesOn || !cards().length || document.activeElement !== document.body) return;
    goesOn = false;
    focusCard(cards()[0]);
  };
  document.addEventListener("htmx:afterSettle", settle);
  window.addEventListener("pageshow", (event) => event.persisted && htmx.trigger("#arrivals", "refresh"));
  showSelected();

  // The latest decision has the toast. U takes it back, and then the one before; “Undo all” takes back all of them.
  const toasts = $("#toasts");
  const stackToasts = (changes) => {
    $("[data-undo-all]", toasts)?.remove();
    const decisions = [...toasts.querySelectorAll(".toast:has([data-reviews])")];
    const latest = decisions.at(-1);
    decisions.forEach((toast) => toast.classList.toggle("d-none", toast !== latest));
    if (decisions.length < 2) return;
    const isNew = changes.some(({ addedNodes }) => [...addedNodes].includes(latest));
    if (isNew) decisions.forEach((toast) => bootstrap.Toast.getOrCreateInstance(toast).show()); // their time starts anew
    const form = $("form", latest).cloneNode(true);
    const ranges = decisions.map((toast) => `reviews=${$("form", toast).dataset.reviews}`);
    const address = `${form.dataset.reopen}?${ranges.join("&")}`;
    delete form.dataset.reviews;
    const attributes = { "action": address, "hx-post": address, "hx-target": "#queue", "hx-swap": "outerHTML", "data-undo-all": "" };
    for (const [name, value] of Object.entries(attributes)) form.setAttribute(name, value);
    $("button", form).textContent = `Undo all ${decisions.length}`;
    $("button", form).classList.remove("toast-action");
    $("form", latest).after(form);
    htmx.process(form);
  };
  new MutationObserver(stackToasts).observe(toasts, { childList: true });
  toasts.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful && event.target.matches("[data-undo-all]")) toasts.replaceChildren();
  });
})();
