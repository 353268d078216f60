// Runs in <head>, before the first paint: the theme that was chosen here, or the system's.
"use strict";

(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const systemTheme = () => (system.matches ? "dark" : "light");
  const show = () => { root.dataset.bsTheme = localStorage.getItem("theme") || systemTheme(); };

  const toggle = () => {
    const next = root.dataset.bsTheme === "dark" ? "light" : "dark";
    // Back at the system's own theme there is nothing to remember: it is followed again.
    if (next === systemTheme()) localStorage.removeItem("theme");
    else localStorage.setItem("theme", next);
    show();
  };

  show();
  system.addEventListener("change", show);
  addEventListener("storage", show);
  addEventListener("click", (event) => { if (event.target.closest("[data-theme-switch]")) toggle(); });
})();
