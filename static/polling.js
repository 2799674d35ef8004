// Whatever has data-poll (seconds) asks for what is new, while somebody looks: nothing is asked while the tab is hidden,
// and less once nobody has touched the page for a while. Back at the tab, it asks at once.
(() => {
  const UNTOUCHED_MS = 5 * 60_000;
  const SLOW_SECONDS = 15;
  const marks = new Map(); // element's id -> mark of its last answer: see manimod/web/polling.py
  const due = new WeakMap(); // element -> when it asks next
  let touched = Date.now();

  const seconds = (element) => {
    const fast = Number(element.dataset.poll);
    return Date.now() - touched < UNTOUCHED_MS ? fast : Math.max(SLOW_SECONDS, 2 * fast);
  };
  const ask = (atOnce = false) => {
    if (document.hidden) return;
    for (const element of document.querySelectorAll("[data-poll]")) {
      if (!due.has(element)) due.set(element, Date.now() + 1000 * seconds(element));
      const isWaiting = element.classList.contains("htmx-request");
      if (isWaiting || (!atOnce && Date.now() < due.get(element))) continue;
      due.set(element, Date.now() + 1000 * seconds(element));
      htmx.trigger(element, "ask");
    }
  };
  const touch = () => {
    const wasLeft = Date.now() - touched >= UNTOUCHED_MS;
    touched = Date.now();
    if (wasLeft) ask(true);
  };
  for (const type of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "focusin"]) {
    document.addEventListener(type, touch, { passive: true });
  }
  document.addEventListener("visibilitychange", () => {
    touched = Date.now();
    ask(true);
  });
  setInterval(ask, 250);

  document.addEventListener("htmx:configRequest", ({ target, detail }) => {
    if (target.dataset.poll && marks.has(target.id)) detail.headers["Queue-Mark"] = marks.get(target.id);
  });
  document.addEventListener("htmx:afterRequest", ({ detail: { elt, xhr } }) => {
    const mark = xhr.getResponseHeader("Queue-Mark"); // the quick answer, 204, has none
    if (mark) marks.set(elt.id, mark);
    else if (xhr.status !== 204) marks.delete(elt.id);
    if (xhr.status === 286) elt.removeAttribute("data-poll"); // nothing can come any more
  });
})();
