// Bootstrap's colours follow this attribute. Loaded before the styles, so that a dark page never flashes white.
(() => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = () => (document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light");
  dark.addEventListener("change", apply);
  document.documentElement.classList.add("js");
  apply();
})();
