/* Fits what the server drew to this screen: the map's zoom, the rows that have room, the names. */
(function () {
  "use strict";

  const STEPS = [0, 1.5, -1.5]; // where a name may go, in rem below its place
  // The camera's zoom is meant for the map of a wall of 1920 × 1080, in rem of 16 px.
  const MAP_WIDTH = 80.5;
  const MAP_HEIGHT = 32.5;

  function rem() {
    return parseFloat(getComputedStyle(document.documentElement).fontSize);
  }

  /** Every wall shows the same part of the map, however large its box; the overlay follows. */
  function zoomHere(zoom) {
    const box = document.querySelector(".map").getBoundingClientRect();
    const enlarge = Math.min(box.width / MAP_WIDTH, box.height / MAP_HEIGHT) / rem();
    document.getElementById("map-overlay").parentElement.style.setProperty("--enlarge", enlarge);
    return zoom + Math.log2((rem() / 16) * enlarge);
  }

  /** Hide the rows that would be cut, and say how many incidents are not on the screen. */
  function rows() {
    const list = document.getElementById("open-rows");
    const more = document.querySelector(".open__more");
    if (!list || !more) return;
    const all = list.querySelectorAll(".row");
    const box = list.getBoundingClientRect();
    let shown = 0;
    all.forEach((row) => (row.hidden = false));
    all.forEach((row) => {
      const place = row.getBoundingClientRect();
      const fits = place.bottom <= box.bottom + 1 && place.right <= box.right + 1;
      if (fits) shown += 1;
      row.dataset.fits = fits;
    });
    all.forEach((row) => (row.hidden = row.dataset.fits !== "true"));
    const rest = Number(more.dataset.total) - shown;
    more.textContent = rest > 0 ? window.grid135.clock.say("open.more", { n: rest }) : "";
  }

  function overlap(a, b) {
    return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  }

  function inside(box, frame) {
    return box.left >= frame.left && box.right <= frame.right &&
      box.top >= frame.top && box.bottom <= frame.bottom;
  }

  function moved(box, y) {
    return { left: box.left, right: box.right, top: box.top + y, bottom: box.bottom + y };
  }

  /** Names come in order of size; one that finds no room near its place gives way. */
  function names() {
    const overlay = document.getElementById("map-overlay");
    if (!overlay) return;
    const frame = overlay.getBoundingClientRect();
    const taken = [...document.querySelectorAll("#map-legend .legend__group, #map-heading > span")]
      .map((element) => element.getBoundingClientRect());
    overlay.querySelectorAll(".mark").forEach((mark) => taken.push(mark.getBoundingClientRect()));
    const step = rem();
    for (const name of overlay.querySelectorAll(".name")) {
      name.style.removeProperty("--down");
      const box = name.getBoundingClientRect();
      const free = STEPS.map((rems) => ({ rems: rems, box: moved(box, rems * step) })).find(
        (place) => inside(place.box, frame) && !taken.some((other) => overlap(place.box, other)),
      );
      name.classList.toggle("is-crowded", !free);
      if (!free) continue;
      if (free.rems) name.style.setProperty("--down", free.rems);
      taken.push(free.box);
    }
  }

  function all() {
    rows();
    names();
  }

  window.grid135 = Object.assign(window.grid135 || {}, {
    fit: { zoomHere: zoomHere, all: all },
  });
})();
