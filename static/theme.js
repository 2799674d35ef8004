// Bootstrap's colours follow this attribute. Loaded before the styles, so that a dark page never flashes white.
// Whoever has chosen a theme gets it from the server in data-theme; everyone else has the system's.
(() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = () => (root.dataset.bsTheme = root.dataset.theme || (dark.matches ? "dark" : "light"));
  dark.addEventListener("change", apply);
  document.addEventListener("mani:theme", (event) => {
    root.dataset.theme = event.detail.value;
    apply();
  });
  root.classList.add("js");
  apply();
})();
