// Bootstrap's colours follow this attribute. Loaded before the styles, so that a dark page never flashes white.
// The choice of the account menu is kept in this browser, for screens differ; without one it is the system's theme.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const paper = window.matchMedia("print"); // is never dark
  const apply = () => {
    const chosen = localStorage.getItem("mani-theme") ?? "";
    root.dataset.bsTheme = paper.matches ? "light" : chosen || (dark.matches ? "dark" : "light");
    root.style.colorScheme = root.dataset.bsTheme;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", button.dataset.themeChoice === chosen);
    }
  };
  dark.addEventListener("change", apply);
  paper.addEventListener("change", apply);
  window.addEventListener("storage", apply);
  document.addEventListener("DOMContentLoaded", apply);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    localStorage.setItem("mani-theme", button.dataset.themeChoice);
    apply();
  });
  apply();
})();
