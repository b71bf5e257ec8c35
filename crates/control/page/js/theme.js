// Light or dark, before anything is painted: a script of its own that the page waits for.
(() => {
  const KEY = "isobar.theme";
  const kept = localStorage.getItem(KEY);
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
})();
