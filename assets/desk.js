/* The filters of the desk: choosing a value opens the same board with it. */
(() => {
  "use strict";

  const open = (name, value) => {
    const query = new URLSearchParams(window.location.search);
    if (value) query.set(name, value);
    else query.delete(name);
    window.location.assign(`${window.location.pathname}?${query}`);
  };

  document.addEventListener("change", (event) => {
    const name = event.target.closest?.("[data-filter]")?.dataset.filter;
    if (name) open(name, event.target.value);
  });

  document.addEventListener("click", (event) => {
    const chosen = event.target.closest?.("[data-filter-value]");
    if (!chosen) return;
    event.preventDefault();
    open(...chosen.dataset.filterValue.split("="));
  });
})();
