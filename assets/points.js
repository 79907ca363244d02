/* Draws what the map shows besides incidents on one canvas under the names: devices and units.
 *
 * Devices that are well are dots that keep out of the way: where many hang close together there is
 * one, and it grows with the root of their number. A device in alarm has a ring, one to be repaired
 * a cross (×), a unit a plus (+), filled where it says itself where it is: shapes, not only colours.
 */
(function () {
  "use strict";

  const CELL = 0.9; // rem: devices that lie closer together are one dot
  const DOT = 0.13, DOT_MOST = 0.34; // rem: the radius of one device, and of however many
  const RING = 1.2, RING_WIDTH = 0.2, CORE = 0.26;
  const CROSS = 0.42, CROSS_WIDTH = 0.2;
  const PLUS = 0.47, PLUS_HALF = 0.17; // rem from its middle to its end, and half of its width
  const AT_SCENE = 1.25, AWAY = 1.95; // rem: a unit so near to an incident stands so far from it
  const HALO = 0.12;
  const TAU = 2 * Math.PI;

  let file = ""; // which places are known
  let places = [];
  let drawn = ""; // what is on the canvas

  function world(lat, lon) {
    const turn = Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360));
    return { x: (lon + 180) / 360, y: (1 - turn / Math.PI) / 2 };
  }

  function said(leaf) {
    const element = document.querySelector("#points-" + leaf + " > div");
    return element ? element.dataset : null;
  }

  /** Fetch the places of the devices when they are others than those that are known. */
  function fetched(url) {
    if (url === file) return;
    file = url;
    places = [];
    if (!url) return;
    fetch(url).then((answer) => (answer.ok ? answer.json() : Promise.reject(answer))).then(
      (list) => {
        if (file !== url) return;
        places = list.map((spot) => world(spot[0], spot[1]));
        drawn = "";
        draw();
      },
      () => { if (file === url) file = ""; }, // asked again with the next message
    );
  }

  /** A colour of the style sheet as the canvas understands it. */
  function colour(canvas, token) {
    canvas.style.color = "var(--" + token + ")";
    return getComputedStyle(canvas).color;
  }

  /** Where units stand on the screen, for names that can give way. */
  function stands() {
    const overlay = document.getElementById("map-overlay");
    const { fit } = window.grid135;
    const at = fit.projection(overlay, overlay.getBoundingClientRect());
    const half = (PLUS + HALO) * fit.rem();
    return JSON.parse((said("units") || {}).units || "[]").map(([lat, lon]) => {
      const place = world(lat, lon), { x, y } = at.at(place.x, place.y);
      return { left: x - half, right: x + half, top: y - half, bottom: y + half };
    });
  }

  function draw() {
    const canvas = document.getElementById("map-points");
    const overlay = document.getElementById("map-overlay");
    const { fit } = window.grid135;
    if (!canvas || !overlay || !overlay.style.getPropertyValue("--world")) return;
    const devices = said("devices"), units = (said("units") || {}).units || "[]";
    fetched(devices ? devices.places : "");
    const box = overlay.getBoundingClientRect();
    if (!box.width) return;
    const sharp = window.devicePixelRatio || 1;
    const root = document.documentElement;
    const state = [
      box.width, box.height, sharp, fit.rem(), overlay.style.cssText, root.dataset.theme,
      overlay.parentElement.style.getPropertyValue("--enlarge"),
      root.style.getPropertyValue("--brightness"), places.length, devices && devices.ailing, units,
      [...document.querySelectorAll(".map .mark")].map((mark) => mark.style.cssText).join(),
    ].join("|");
    if (state === drawn) return;
    drawn = state;
    canvas.width = Math.round(box.width * sharp);
    canvas.height = Math.round(box.height * sharp);
    const pen = canvas.getContext("2d");
    pen.scale(sharp, sharp);
    const frame = { left: 0, top: 0, width: box.width, height: box.height };
    const sheet = {
      pen: pen, rem: fit.rem(), at: fit.projection(overlay, frame),
      ink: (token) => colour(canvas, token),
    };
    const ailing = devices ? JSON.parse(devices.ailing) : {};
    dots(sheet, new Set([...(ailing.alarm || []), ...(ailing.trouble || [])]));
    (ailing.trouble || []).forEach((number) => cross(sheet, places[number]));
    const marks = [...document.querySelectorAll(".map .mark")].map((mark) => sheet.at.at(
      Number(mark.style.getPropertyValue("--x")), Number(mark.style.getPropertyValue("--y"))));
    JSON.parse(units).forEach(([lat, lon, located]) => {
      const place = world(lat, lon);
      plus(sheet, beside(sheet.at.at(place.x, place.y), marks, sheet.rem), located);
    });
    (ailing.alarm || []).forEach((number) => ring(sheet, places[number]));
  }

  /** The devices that are well. Their cells lie still on the ground, so that no dot jumps. */
  function dots(sheet, without) {
    const cells = new Map();
    const size = (CELL * sheet.rem) / sheet.at.scale;
    places.forEach((place, number) => {
      if (without.has(number)) return;
      const cell = Math.floor(place.x / size) + " " + Math.floor(place.y / size);
      const sum = cells.get(cell) || { x: 0, y: 0, n: 0 };
      cells.set(cell, { x: sum.x + place.x, y: sum.y + place.y, n: sum.n + 1 });
    });
    sheet.pen.fillStyle = sheet.ink("point-calm");
    sheet.pen.beginPath();
    for (const { x, y, n } of cells.values()) {
      const middle = sheet.at.at(x / n, y / n);
      const radius = Math.min(DOT * Math.sqrt(n), DOT_MOST) * sheet.rem;
      sheet.pen.moveTo(middle.x + radius, middle.y);
      sheet.pen.arc(middle.x, middle.y, radius, 0, TAU);
    }
    sheet.pen.fill();
  }

  /** Draw a line twice: a halo of the ground's colour keeps it apart from what lies under it. */
  function outlined(sheet, path, token, width) {
    const { pen, rem } = sheet;
    pen.lineCap = "round";
    pen.lineJoin = "round";
    for (const [ink, wide] of [["surface-map", width + 2 * HALO], [token, width]]) {
      pen.strokeStyle = sheet.ink(ink);
      pen.lineWidth = wide * rem;
      pen.stroke(path);
    }
  }

  function cross(sheet, place) {
    if (!place) return;
    const { x, y } = sheet.at.at(place.x, place.y), arm = CROSS * sheet.rem;
    const path = new Path2D();
    path.moveTo(x - arm, y - arm);
    path.lineTo(x + arm, y + arm);
    path.moveTo(x + arm, y - arm);
    path.lineTo(x - arm, y + arm);
    outlined(sheet, path, "point-trouble", CROSS_WIDTH);
  }

  function ring(sheet, place) {
    if (!place) return;
    const { x, y } = sheet.at.at(place.x, place.y);
    const path = new Path2D();
    path.arc(x, y, RING * sheet.rem, 0, TAU);
    outlined(sheet, path, "point-alarm", RING_WIDTH);
    sheet.pen.fillStyle = sheet.ink("point-alarm");
    sheet.pen.beginPath();
    sheet.pen.arc(x, y, CORE * sheet.rem, 0, TAU);
    sheet.pen.fill();
  }

  /** Who is at an incident stands beside its mark, not under it. */
  function beside(spot, marks, rem) {
    const far = (mark) => Math.hypot(spot.x - mark.x, spot.y - mark.y);
    const mark = marks.find((one) => far(one) < AT_SCENE * rem);
    if (!mark) return spot;
    const turn = far(mark) ? Math.atan2(spot.y - mark.y, spot.x - mark.x) : Math.PI / 4;
    const away = AWAY * rem;
    return { x: mark.x + Math.cos(turn) * away, y: mark.y + Math.sin(turn) * away };
  }

  /** A plus with twelve corners; hollow where only the register says where the unit starts from. */
  function plus(sheet, middle, located) {
    const { x, y } = middle;
    const far = PLUS * sheet.rem, near = PLUS_HALF * sheet.rem;
    const path = new Path2D();
    [
      [-near, -far], [near, -far], [near, -near], [far, -near], [far, near], [near, near],
      [near, far], [-near, far], [-near, near], [-far, near], [-far, -near], [-near, -near],
    ].forEach(([right, down], i) => path[i ? "lineTo" : "moveTo"](x + right, y + down));
    path.closePath();
    outlined(sheet, path, "point-unit", located ? 0.04 : 0.09);
    sheet.pen.fillStyle = sheet.ink(located ? "point-unit" : "surface-map");
    sheet.pen.fill(path);
  }

  window.grid135 = Object.assign(window.grid135 || {}, { points: { stands: stands } });
  document.addEventListener("grid135:shown", draw);
})();
