// What is typed into a form with `data-draft` stays in this tab until it is saved: a reload, Back or a new sign-in brings
// it back. With it the hidden fields, which say on what state it was based. Never passwords, keys or files.
(() => {
  const KEY = "mani-drafts";
  const user = document.body.dataset.user;
  if (!user) return; // the sign-in: whoever signs in again finds their drafts

  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
  const drafts = kept.user === user ? kept.drafts : {};
  const store = () => sessionStorage.setItem(KEY, JSON.stringify({ user, drafts }));
  const isKept = (field) => field.name && field.name !== "csrf_token" && !["password", "file"].includes(field.type);
  store();

  document.addEventListener("input", ({ target }) => {
    const form = target.form;
    if (!form?.matches("[data-draft]") || !isKept(target)) return;
    const fields = [...form.elements].filter(isKept);
    drafts[form.action] = fields.map((field) => [field.name, field.value, field.checked]);
    store();
  });
  document.addEventListener("htmx:beforeOnLoad", ({ detail: { elt, xhr } }) => {
    if (xhr.status >= 400 || !elt.matches("form[data-draft]")) return;
    delete drafts[elt.action];
    store();
  });
  document.addEventListener("click", ({ target }) => {
    const taken = target.closest("[data-take]");
    if (taken) {
      const field = document.getElementById(taken.dataset.take);
      field.value = taken.value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    } else if (target.matches("[data-discard]")) {
      delete drafts[target.closest("form").action];
      store();
    }
  });
  document.addEventListener("submit", ({ target }) => {
    if (target.action.endsWith("/sign-out")) sessionStorage.removeItem(KEY);
  });

  const fill = (field, [, value, checked]) => {
    const isTicked = ["checkbox", "radio"].includes(field.type);
    if (isTicked ? field.checked === checked : field.value === value) return false;
    isTicked ? (field.checked = checked) : (field.value = value);
    return field.type !== "hidden";
  };
  const restore = (form) => {
    const values = [...(drafts[form.action] ?? [])];
    const changed = [...form.elements].filter((field) => {
      const at = values.findIndex(([name, value]) => name === field.name && (field.type !== "radio" || value === field.value));
      return at >= 0 && fill(field, values.splice(at, 1)[0]);
    });
    if (!changed.length) return;
    const notice = document.getElementById("draft-notice").content.firstElementChild.cloneNode(true);
    form.prepend(notice);
    for (const field of changed) {
      for (let hidden = field.closest("details"); hidden; hidden = hidden.parentElement.closest("details")) hidden.open = true;
      field.dispatchEvent(new Event("input", { bubbles: true })); // what follows the typing follows this, too
    }
  };
  document.addEventListener("htmx:load", () => document.querySelectorAll("form[data-draft]").forEach(restore));
})();
