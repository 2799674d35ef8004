// What htmx and Bootstrap don't do by themselves. Every page works without this file.
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);

  // Copy buttons.
  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    const label = $("[data-copy-label]", button);
    const before = label.textContent;
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
      label.textContent = "Copied";
      $("#announcer").textContent = "Copied.";
    } catch {
      source.focus();
      source.select ? source.select() : getSelection().selectAllChildren(source);
      label.textContent = "Press Ctrl+C";
    }
    setTimeout(() => (label.textContent = before), 2000);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });

  // Buttons show that they work, and cannot be pressed twice.
  const work = (form) => {
    const button = $("button[type=submit]", form);
    if (!button || button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    if (button.dataset.busy) {
      button.dataset.idle = button.innerHTML;
      button.textContent = button.dataset.busy;
    }
  };
  const rest = (root) => {
    for (const button of root.querySelectorAll("button[aria-disabled=true]")) {
      button.removeAttribute("aria-disabled");
      if (button.dataset.idle) button.innerHTML = button.dataset.idle;
    }
  };
  document.addEventListener("submit", (event) => {
    if ($("button[type=submit][aria-disabled=true]", event.target)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else if (!event.target.hasAttribute("hx-post")) {
      work(event.target);
    }
  }, true);
  document.addEventListener("htmx:beforeRequest", (event) => event.target.tagName === "FORM" && work(event.target));
  window.addEventListener("pageshow", () => rest(document));

  // Bootstrap hides a toast after a while, unless it is pointed at or focused; it is started here, also one that htmx brings.
  const start = (toast) => bootstrap.Toast.getOrCreateInstance(toast).show();
  const toasts = $("#toasts");
  new MutationObserver((changes) => {
    for (const change of changes) change.addedNodes.forEach((node) => node.nodeType === 1 && start(node));
  }).observe(toasts, { childList: true });
  toasts.addEventListener("hidden.bs.toast", (event) => event.target.remove());
  for (const toast of toasts.children) start(toast);
  const showError = (text) => {
    const toast = document.createElement("div");
    toast.className = "toast show";
    toast.dataset.bsTheme = "dark";
    toast.setAttribute("role", "alert");
    toast.dataset.bsDelay = "8000";
    const body = document.createElement("div");
    body.className = "toast-body";
    body.textContent = text;
    toast.append(body);
    toasts.append(toast);
  };

  document.addEventListener("htmx:afterRequest", (event) => {
    rest(event.target.closest("form") ?? event.target);
    const { status } = event.detail.xhr;
    if (status && status < 400) event.target.closest?.(".toast")?.remove();
  });
  document.addEventListener("htmx:responseError", (event) => {
    const fromMani = event.detail.xhr.getResponseHeader("HX-Reswap");
    const asksByItself = "poll" in event.target.dataset;
    if (!fromMani && !asksByItself) showError("That didn't work. Try again in a minute.");
    if (event.target.type === "checkbox") event.target.checked = !event.target.checked;
  });

  // The browser's time zone is proposed where another one is chosen.
  document.addEventListener("htmx:load", () => {
    const proposal = $("[data-proposes=time_zone]");
    const zone = CSS.escape(Intl.DateTimeFormat().resolvedOptions().timeZone);
    const option = proposal && $(`#time_zone :is([value="${zone}"], [data-also~="${zone}"])`);
    if (!option || option.selected) return;
    proposal.hidden = false;
    proposal.textContent = `Use this browser's: ${option.text}`;
    proposal.addEventListener("click", () => {
      option.selected = proposal.hidden = true;
      $("#time_zone").dispatchEvent(new Event("input", { bubbles: true }));
    });
  });

  // Creatives that came since the page was opened are counted in its title.
  const title = document.title;
  const waiting = () => Number($("#waiting-badge")?.dataset.count);
  const atFirst = waiting();
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.xhr.status !== 200 || detail.requestConfig.elt.id !== "waiting-badge") return;
    const unseen = waiting() - atFirst;
    document.title = unseen > 0 ? `(${unseen}) ${title}` : title;
  });
})();
