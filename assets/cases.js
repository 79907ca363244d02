/* The list of the desk: a grid that asks for the rows it shows, and for no others. */
(() => {
  "use strict";

  const ID = "cases-grid";
  const AGAIN_MS = 2000;
  let view = ""; // whose rows the grid shows
  let token = "";
  let refreshed = 0;
  let waiting = 0;
  let wired = null;
  let mine = null; // where the grid has its rows from

  function api() {
    try {
      return window.dash_ag_grid && window.dash_ag_grid.getApi(ID);
    } catch {
      return null; // the grid is not there yet
    }
  }

  function query() {
    const asked = new URLSearchParams(window.location.search);
    asked.set("page", decodeURIComponent(window.location.pathname).slice(1));
    return asked;
  }

  /** What decides which rows there are; columns and colours do not, and the grid sorts by itself. */
  function viewNow() {
    const asked = query();
    ["columns", "shade", "versus", "sort"].forEach((name) => asked.delete(name));
    return asked.toString();
  }

  function source() {
    return {
      getRows: (params) => {
        const asked = query();
        asked.set("offset", params.startRow);
        asked.set("limit", params.endRow - params.startRow);
        const [by] = params.sortModel;
        if (by) asked.set("sort", (by.sort === "desc" ? "-" : "") + by.colId);
        fetch("/list?" + asked)
          .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer)))
          .then(({ rows, total }) => {
            params.successCallback(rows, total);
            document.body.dataset.rows = total;
            if (params.startRow === 0) document.dispatchEvent(new CustomEvent("grid135:rows"));
          }, () => params.failCallback());
      },
    };
  }

  function open(id) {
    const lang = new URLSearchParams(window.location.search).get("lang");
    const rest = lang ? "?lang=" + lang : "";
    window.grid135.desk.go("/incident/" + encodeURIComponent(id) + rest);
  }

  function wire(grid) {
    if (wired === grid) return;
    wired = grid;
    grid.addEventListener("rowClicked", (event) => {
      const link = event.event && event.event.target.closest("a");
      const marked = String(window.getSelection());
      if (event.data && !link && !marked) open(event.data.id);
    });
    grid.addEventListener("cellKeyDown", (event) => {
      if (event.event.key === "Enter" && event.data) open(event.data.id);
    });
    grid.addEventListener("sortChanged", (event) => {
      if (event.source !== "uiColumnSorted") return;
      const by = grid.getColumnState().find((column) => column.sort);
      const sort = by ? (by.sort === "desc" ? "-" : "") + by.colId : "";
      window.history.replaceState(window.history.state, "", window.grid135.desk.changed({ sort }));
      window.grid135.live.connect();
    });
  }

  /** Another view has other rows; the same view may have others by now. */
  function look() {
    const state = document.getElementById("cases-state");
    if (!state || !state.dataset.token) return;
    const grid = api();
    if (!grid) return window.setTimeout(look, 40);
    wire(grid);
    const now = viewNow();
    if (now !== view) {
      view = now;
      token = state.dataset.token;
      show(grid);
    } else if (token !== state.dataset.token) {
      token = state.dataset.token;
      refresh(grid);
    }
  }

  function show(grid) {
    const left = window.history.state;
    mine = source();
    grid.setGridOption("datasource", mine);
    refreshed = performance.now();
    if (!left || !(left.row > 0)) return;
    // who comes back finds the row that was on top
    const back = () => {
      grid.setRowCount(Number(document.body.dataset.rows), true);
      grid.ensureIndexVisible(Math.min(left.row, Number(document.body.dataset.rows) - 1), "top");
    };
    document.addEventListener("grid135:rows", () => window.setTimeout(back, 0), { once: true });
  }

  function refresh(grid) {
    window.clearTimeout(waiting);
    const rest = refreshed + AGAIN_MS - performance.now();
    if (rest > 0) {
      waiting = window.setTimeout(refresh, rest, grid);
      return;
    }
    refreshed = performance.now();
    grid.refreshInfiniteCache();
  }

  function firstRow() {
    const grid = api();
    return grid ? grid.getFirstDisplayedRowIndex() : 0;
  }

  /** The wrapper gives the grid a source of its own when it is ready, which may be after ours. */
  window.setInterval(() => {
    const grid = mine && api();
    if (grid && grid.getGridOption("datasource") !== mine) grid.setGridOption("datasource", mine);
  }, 500);

  document.addEventListener("grid135:shown", look);

  window.grid135 = Object.assign(window.grid135 || {}, { cases: { firstRow: firstRow } });

  /* What draws the cells that are more than text */
  const draw = (window.dashAgGridComponentFunctions =
    window.dashAgGridComponentFunctions || {});
  const part = (...given) => window.React.createElement(...given);

  draw.CaseLink = ({ data, value }) => {
    if (!data) return part("span", { className: "case-wait" });
    const lang = new URLSearchParams(window.location.search).get("lang");
    const href = "/incident/" + encodeURIComponent(data.id) + (lang ? "?lang=" + lang : "");
    return part("a", { href: href, className: "case-time", tabIndex: -1 }, value);
  };

  draw.CaseKind = ({ data, value }) => {
    if (!data) return part("span", { className: "case-wait" });
    const shape = part("i", { className: "shape shape--" + data.shape });
    return part("span", { className: "case-kind" }, shape, part("span", null, value));
  };

  draw.CaseVerdict = ({ data, value }) => {
    if (!data) return null;
    const mark = part("i", { className: "verdict__mark verdict__mark--" + data.outcome });
    const look = "verdict__word verdict__word--" + data.outcome;
    return part("span", { className: look }, mark, value);
  };
})();
