/* Fits what the server drew to this screen: the map's zoom, the rows that have room, the names. */
(function () {
  "use strict";

  // Where a name may go, in rem to the right and down; a landmark's never covers the landmark.
  const AROUND = [0, 2, -2].flatMap((right) =>
    [0, 1.4, -1.4, 2.8, -2.8, 4.2, -4.2].map((down) => [right, down]));
  const MOVES = {
    community: AROUND, landmark: [[0, 1.05], [0, -1.05]], grid: [[0, 0], [0, 1.5], [0, -1.5]],
    "grid-code": [[0, 0], [0, 1.5], [0, -1.5]],
  };
  const STAY = [[0, 0]];
  const EDGE = 0.75; // rem a name keeps from the edge of the map
  const APART = 0.2; // rem between a name and anything else
  const CODE_ROOM = 6.5; // rem a grid must be wide before its code is written
  // The camera's zoom is meant for the map of a wall of 1920 × 1080, in rem of 16 px.
  const MAP_WIDTH = 70;
  const MAP_HEIGHT = 32.5;
  const WORLD_REM = 32; // MapLibre's world at zoom 0
  const MARGIN = 1.25; // rem around what must be seen

  let last = {};

  function rem() {
    return parseFloat(getComputedStyle(document.documentElement).fontSize);
  }

  /** The part of the map's box that the map itself fills. */
  function ground() {
    return document.getElementById("map-overlay").getBoundingClientRect();
  }

  /** Every wall shows the same part of the map, as large as its own box allows. */
  function zoomHere(zoom, extent) {
    const box = ground();
    let wide = MAP_WIDTH, high = MAP_HEIGHT;
    if (extent) {
      const world = WORLD_REM * Math.pow(2, zoom);
      wide = extent[0] * world + 2 * MARGIN;
      high = extent[1] * world + 2 * MARGIN;
    }
    const enlarge = Math.min(box.width / wide, box.height / high) / rem();
    document.getElementById("map-overlay").parentElement.style.setProperty("--enlarge", enlarge);
    return zoom + Math.log2((rem() / 16) * enlarge);
  }

  /** The map as it fits its box here; null when neither it nor its box has changed. */
  function placed(sent) {
    const box = ground();
    const size = box.width + " " + box.height;
    if (!box.width || (last.sent === sent && last.size === size)) return null;
    last = { sent: sent, size: size };
    const zoom = zoomHere(sent.layout.map.zoom, (sent.layout.meta || {}).extent);
    const map = Object.assign({}, sent.layout.map, { zoom: zoom });
    return Object.assign({}, sent, { layout: Object.assign({}, sent.layout, { map: map }) });
  }

  function rows() {
    document.querySelectorAll(".rows").forEach(rowsOf);
  }

  /** Hide the rows that would be cut, and say how many incidents are not on the screen. */
  function rowsOf(list) {
    const after = list.nextElementSibling;
    const more = after && after.querySelector(".open__more[data-total]");
    const all = list.querySelectorAll(".row");
    if (!list.getClientRects().length) return;
    const box = list.getBoundingClientRect();
    let shown = 0;
    [...list.children].forEach((child) => (child.hidden = false));
    all.forEach((row) => {
      const place = row.getBoundingClientRect();
      const fits = place.bottom <= box.bottom + 1 && place.right <= box.right + 1;
      if (fits && !row.classList.contains("row--drill")) shown += 1;
      row.dataset.fits = fits;
    });
    all.forEach((row) => (row.hidden = row.dataset.fits !== "true"));
    if (!more) return;
    const rest = Number(more.dataset.total) - shown;
    more.textContent = rest > 0 ? window.grid135.clock.say("open.more", { n: rest }) : "";
  }

  /** Sources that have no room are counted; those that are well give way first. */
  function sources() {
    const box = document.getElementById("header-sources");
    const more = box && box.querySelector(".chip--more");
    if (!more || !box.getClientRects().length) return;
    const chips = [...box.querySelectorAll(".chip[data-rank]")];
    chips.forEach((chip) => (chip.hidden = false));
    chips.sort((one, other) => other.dataset.rank - one.dataset.rank);
    let hidden = Number(more.dataset.hidden);
    const say = () => {
      more.textContent = hidden ? window.grid135.clock.say("source.more", { n: hidden }) : "";
    };
    say();
    for (const chip of chips) {
      // a row too many sticks out by half of itself, for the rows are centred; tails of letters less
      if (box.scrollHeight <= box.clientHeight + rem() / 2) break;
      chip.hidden = true;
      hidden += 1;
      say();
    }
  }

  function overlap(a, b) {
    return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  }

  function inside(box, frame) {
    return box.left >= frame.left && box.right <= frame.right &&
      box.top >= frame.top && box.bottom <= frame.bottom;
  }

  function grown(box, by) {
    return {
      left: box.left - by, right: box.right + by, top: box.top - by, bottom: box.bottom + by,
    };
  }

  /** From world coordinates to pixels of the screen, as the style sheet does it. */
  function projection(overlay, frame) {
    const read = (name) => Number(overlay.style.getPropertyValue(name));
    const map = overlay.parentElement.style;
    const scale = read("--world") * Number(map.getPropertyValue("--enlarge") || 1) * rem();
    const cos = read("--turn-cos"), sin = read("--turn-sin");
    const at = (x, y) => {
      const east = x - read("--centre-x"), south = y - read("--centre-y");
      return {
        x: frame.left + frame.width / 2 + (east * cos + south * sin) * scale,
        y: frame.top + frame.height / 2 + (south * cos - east * sin) * scale,
      };
    };
    return { at: at, scale: scale };
  }

  /** A place a name may take: where it is written, and the box it fills there. */
  function place(name, spot, move, map) {
    const [x, y, turn] = spot.split(" ").map(Number);
    const upright = window.document.documentElement.lang.startsWith("zh") && Math.abs(turn) > 50;
    const angle = upright ? turn - Math.sign(turn) * 90 : turn || 0;
    const [width, height] = upright ? [name.height, name.width] : [name.width, name.height];
    const cos = Math.abs(Math.cos((angle * Math.PI) / 180));
    const sin = Math.abs(Math.sin((angle * Math.PI) / 180));
    const centre = map.at(x, y);
    const w = (width * cos + height * sin) / 2, h = (width * sin + height * cos) / 2;
    const [right, down] = move.map((rems) => rems * rem());
    const across = centre.x + right, middle = centre.y + down;
    // a name beside its point takes the point's room too
    const dot = name.dotted ? 0.4 * rem() : -Infinity;
    return {
      x: x, y: y, move: move, turn: angle, upright: upright,
      box: {
        left: across - w, right: across + w,
        top: Math.min(middle - h, centre.y - dot), bottom: Math.max(middle + h, centre.y + dot),
      },
    };
  }

  function write(element, found) {
    element.classList.toggle("is-crowded", !found);
    if (!found) return;
    element.classList.toggle("is-steep", found.upright);
    const style = element.style;
    style.setProperty("--x", found.x);
    style.setProperty("--y", found.y);
    style.setProperty("--right", found.move[0]);
    style.setProperty("--down", found.move[1]);
    style.setProperty("--turn", found.turn);
  }

  /** How far a name may go from its place, by what it names. */
  function moves(element) {
    for (const role in MOVES) if (element.classList.contains("name--" + role)) return MOVES[role];
    return STAY;
  }

  /** Names come in order of weight; one that finds no room near its place gives way. */
  function names() {
    const overlay = document.getElementById("map-overlay");
    if (!overlay || !overlay.style.getPropertyValue("--world")) return;
    const whole = overlay.getBoundingClientRect();
    const map = projection(overlay, whole);
    const frame = grown(whole, -EDGE * rem());
    const above = "#map-legend .legend__group, #map-heading > span, #map-north, .map .mark";
    const taken = [...document.querySelectorAll(above)].map((e) => e.getBoundingClientRect());
    const { points } = window.grid135;
    const stands = points ? points.stands() : [];
    const all = [...overlay.querySelectorAll(".name")];
    all.forEach((element) => element.classList.remove("is-steep"));
    const sizes = all.map((e) => ({
      width: e.offsetWidth, height: e.offsetHeight,
      dotted: e.classList.contains("name--landmark"),
    }));
    all.forEach((element, i) => {
      const code = element.classList.contains("name--grid-code");
      const tight = code && Number(element.dataset.room) * map.scale < CODE_ROOM * rem();
      const spots = tight ? [] : element.dataset.spots.split("|");
      const places = spots.flatMap((spot) =>
        moves(element).map((move) => place(sizes[i], spot, move, map)));
      // a unit walks on: small names step aside for it, great ones stay where one looks for them
      const around = code || sizes[i].dotted ? [...taken, ...stands] : taken;
      const found = places.find((one) => inside(one.box, frame) &&
        !around.some((other) => overlap(grown(one.box, APART * rem()), other)));
      write(element, found);
      if (found) taken.push(found.box);
    });
  }

  function all() {
    sources();
    rows();
    names();
  }

  window.grid135 = Object.assign(window.grid135 || {}, {
    fit: { placed: placed, all: all, projection: projection, rem: rem },
  });
})();
