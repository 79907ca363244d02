/* Keeps the small map of a page as large as its box, which the words around it may change. */
(function () {
  "use strict";

  function fit() {
    const graph = document.querySelector("#map-figure .js-plotly-plot");
    if (!graph || !graph._fullLayout || !window.Plotly) return;
    const { width, height } = graph._fullLayout;
    const changed = width !== graph.clientWidth || height !== graph.clientHeight;
    if (changed && graph.clientHeight) window.Plotly.Plots.resize(graph);
  }

  function watch() {
    const box = document.querySelector(".map");
    if (!box) return;
    new ResizeObserver(() => window.setTimeout(fit, 0)).observe(box);
    document.removeEventListener("grid135:shown", watch);
  }

  // the wall's map has a box of its own size, which nothing changes
  if (document.documentElement.dataset.page !== "wall") {
    document.addEventListener("grid135:shown", watch);
    document.addEventListener("grid135:shown", fit);
  }
})();
