/* The desk: one page that turns to another view without loading anew, and comes back as it was. */
(() => {
  "use strict";

  const DRAGGED_PX = 6;
  let here = window.location.pathname + window.location.search;
  let drag = null;
  let pressed = null; // where the pointer went down

  const isDesk = () => document.documentElement.dataset.page === "desk";

  /** Whether an address is a desk's, so that the page can turn to it. */
  function isNear(url) {
    if (url.origin !== window.location.origin) return false;
    return url.pathname === "/" || url.pathname.startsWith("/community/");
  }

  /** Remember how far the lists were scrolled, for whoever comes back. */
  function keep() {
    const parts = document.getElementById("parts-rows");
    const row = window.grid135.cases ? window.grid135.cases.firstRow() : 0;
    const left = { row: row, parts: parts ? parts.scrollTop : 0 };
    window.history.replaceState(left, "", window.location.href);
  }

  function go(href) {
    const url = new URL(href, window.location.href);
    if (!isDesk()) return window.location.assign(url);
    keep();
    if (!isNear(url) || !isNear(window.location)) return window.location.assign(url);
    window.history.pushState(null, "", url);
    turn();
  }

  /** Ask for the view that the address names; what is shown stays until it is there. */
  function turn() {
    here = window.location.pathname + window.location.search;
    document.body.classList.add("is-turning");
    window.grid135.live.connect();
  }

  /** The present address with some parameters changed; an empty value takes one away. */
  function changed(changes) {
    const url = new URL(window.location.href);
    for (const [name, value] of Object.entries(changes)) {
      if (value) url.searchParams.set(name, value);
      else url.searchParams.delete(name);
    }
    return url.href;
  }

  window.addEventListener("popstate", () => {
    if (!isDesk() || here === window.location.pathname + window.location.search) return;
    if (!isNear(window.location)) return window.location.reload();
    turn();
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!link || !isDesk() || !plain || link.dataset.full) return;
    if (link.getAttribute("href").startsWith("#")) return;
    if (event.shiftKey && !link.dataset.begin) return;
    event.preventDefault();
    if (drag && drag.moved) return;
    go(link.href);
  });

  /** A filter of a page that is loaded anew for each of its views. */
  document.addEventListener("change", (event) => {
    const name = event.target.closest?.("[data-filter]")?.dataset.filter;
    if (name) window.location.assign(changed({ [name]: event.target.value }));
  });

  document.addEventListener("click", (event) => {
    const chosen = event.target.closest?.("[data-filter-value]");
    if (!chosen) return;
    event.preventDefault();
    const [name, value] = chosen.dataset.filterValue.split("=");
    window.location.assign(changed({ [name]: value }));
  });

  /* Menus: one at a time, closed by a click elsewhere or Escape */
  const menus = () => [...document.querySelectorAll("details.pick[open]")];

  document.addEventListener("click", (event) => {
    menus().forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });

  document.addEventListener("keydown", (event) => {
    const menu = document.activeElement && document.activeElement.closest("details.pick[open]");
    if (!menu) return;
    const items = [...menu.querySelectorAll("a")];
    const at = items.indexOf(document.activeElement);
    if (event.key === "Escape") {
      menu.open = false;
      menu.querySelector("summary").focus();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      items[(at + step + items.length) % items.length].focus();
    }
  });

  /* Dates: the last day is meant whole, so that the span ends where the next one begins */
  function dateInput(place) {
    let input = place.querySelector("input");
    if (!input) {
      input = document.createElement("input");
      input.type = "date";
      input.required = true;
      input.addEventListener("change", () => chooseDates(place.dataset.date));
      place.appendChild(input);
    }
    input.setAttribute("aria-label", place.dataset.label);
    if (document.activeElement !== input) input.value = place.dataset.day;
  }

  function chooseDates(touched) {
    const input = (name) => document.querySelector(`[data-date=${name}] input`);
    let from = input("from").value, until = input("until").value;
    if (!from || !until) return;
    if (from > until) [from, until] = touched === "from" ? [from, from] : [until, until];
    const after = new Date(until + "T00:00:00Z");
    after.setUTCDate(after.getUTCDate() + 1);
    go(changed({ from: from, to: after.toISOString().slice(0, 10), window: "" }));
  }

  /* The course of time: from one bar to another by dragging */
  const slotAt = (event) =>
    document.elementFromPoint(event.clientX, event.clientY)?.closest(".course__slot");

  function mark(first, last) {
    const slots = [...document.querySelectorAll(".course__slot")];
    const ends = [slots.indexOf(first), slots.indexOf(last)].sort((a, b) => a - b);
    slots.forEach((slot, i) =>
      slot.classList.toggle("is-in", first !== null && i >= ends[0] && i <= ends[1]));
    return first === null ? [] : [slots[ends[0]], slots[ends[1]]];
  }

  document.addEventListener("pointerdown", (event) => {
    pressed = [event.clientX, event.clientY];
    const slot = event.target.closest?.(".course__slot");
    drag = slot ? { from: slot, x: event.clientX, moved: false } : null;
  });

  document.addEventListener("pointermove", (event) => {
    if (!drag || !event.buttons) return;
    drag.moved = drag.moved || Math.abs(event.clientX - drag.x) > DRAGGED_PX;
    const slot = drag.moved && slotAt(event);
    if (slot) drag.ends = mark(drag.from, slot);
  });

  document.addEventListener("pointerup", () => {
    if (!drag || !drag.moved || !drag.ends) return;
    const [first, last] = drag.ends;
    mark(null, null);
    go(changed({ from: first.dataset.begin, to: last.dataset.end, window: "" }));
  });

  document.addEventListener("dragstart", (event) => {
    if (event.target.closest?.(".course__slot")) event.preventDefault();
  });

  /* The map: a grid says and leads where its line in the list of grids does */
  function lineAt(event) {
    const figure = event.target.closest?.(".desk-page .map__figure");
    const map = figure && window.grid135.grids.map();
    if (!map || !map.getLayer("grids")) return null;
    const box = map.getCanvas().getBoundingClientRect();
    const point = [event.clientX - box.left, event.clientY - box.top];
    const [grid] = map.queryRenderedFeatures(point, { layers: ["grids"] });
    return grid && document.querySelector(`#map-list [data-grid="${CSS.escape(grid.id)}"]`);
  }

  /** Whether the pointer was moved while it was down: that is no click, whatever is below it. */
  function isDragged(event) {
    if (!pressed) return false;
    return Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]) > DRAGGED_PX;
  }

  document.addEventListener("click", (event) => {
    const line = isDragged(event) ? null : lineAt(event);
    if (line) go(line.href);
  });

  document.addEventListener("mousemove", (event) => {
    const figure = event.target.closest?.(".desk-page .map__figure");
    if (!figure) return;
    const line = lineAt(event);
    figure.title = line ? line.textContent : "";
    figure.classList.toggle("is-on-grid", Boolean(line));
  });

  function shown() {
    if (!isDesk()) return;
    document.body.classList.remove("is-turning");
    document.querySelectorAll("[data-date]").forEach(dateInput);
    const title = document.querySelector("#desk-crumbs h1");
    if (title) document.title = title.textContent + " · Grid135";
    // where the map cannot be drawn its list stands in, and keys must reach it
    const isList = document.body.classList.contains("is-without-webgl");
    document.querySelectorAll("#map-list a").forEach((a) => (a.tabIndex = isList ? 0 : -1));
    const left = window.history.state;
    const parts = document.getElementById("parts-rows");
    if (left && parts && left.parts) parts.scrollTop = left.parts;
  }

  document.addEventListener("grid135:shown", shown);
  window.addEventListener("pagehide", () => {
    if (isDesk()) keep();
  });

  window.grid135 = Object.assign(window.grid135 || {}, {
    desk: { go: go, changed: changed, isDesk: isDesk },
  });
})();
