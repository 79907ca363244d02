/* Draws the map: the ground by Plotly when the camera moves, the colours of the grids at once.
 *
 * One drawing of Plotly's takes a quarter of a second and must be over before the next begins: while
 * a style loads, a second one throws. The colours are feature states of MapLibre, under a millisecond.
 */
(function () {
  "use strict";

  const GRIDS = "grids"; // source and layer, as the server's style names them
  const GIVE_UP_MS = 8000; // a tile server that does not answer must not hold the map for ever
  const AGAIN_MS = 50;
  const ASK_AGAIN_MS = 1000;
  const STYLES_KEPT = 8;
  const MOVED_BY = [
    "dragPan", "dragRotate", "scrollZoom", "boxZoom", "doubleClickZoom", "touchZoomRotate",
    "touchPitch", "keyboard",
  ];
  const TOO_EARLY = "Style is not done loading.";
  const { graphics } = window.grid135;
  const stats = { drawn: 0, coloured: 0, errors: 0 };

  let figure = null; // what is to be drawn next, if anything
  let latest = null; // what was drawn last
  let drawing = 0; // when the drawing under way began; 0 when there is none
  let turn = 0;
  let style = null; // the style whose grids are coloured
  let shown = {}; // the step of each of its grids that is not on step 0
  let watched = null; // the map that tells when its style is another one
  let asked = ""; // the address of the style that is being fetched
  const styles = new Map(); // by address

  function graph() {
    return document.querySelector("#map-figure .js-plotly-plot");
  }

  /** MapLibre's map under Plotly's, if it is there. */
  function map() {
    const layout = (graph() || {})._fullLayout;
    const subplot = layout && layout.map && layout.map._subplot;
    return (subplot && subplot.map) || null;
  }

  /** True when the style can be changed; one that loads answers with nothing. */
  function isLoaded(one) {
    return Boolean(one && one.style && one.getStyle());
  }

  function isBusy() {
    if (!drawing) return false;
    const late = performance.now() - drawing > GIVE_UP_MS;
    return !(late && isLoaded(map()));
  }

  /** True when the style of this figure is at hand; else it is fetched, and drawn then. */
  function isAtHand(next) {
    const address = next.layout.map.style;
    if (!styles.has(address)) fetchStyle(address);
    return styles.has(address);
  }

  /** Have MapLibre change to a style itself, not to the address Plotly knows it by.
   *
   * Given an address, it goes on with the old style until it has the new one, and Plotly puts its
   * layers on that. Given the style, Plotly would write and compare the whole of it at every drawing.
   */
  function changeAtOnce(here) {
    const change = here.setStyle;
    here.setStyle = (address, how) => change.call(here, styles.get(address) || address, how);
  }

  function fetchStyle(address) {
    if (asked === address) return;
    asked = address;
    fetch(address).then((answer) => (answer.ok ? answer.json() : Promise.reject(answer))).then(
      (found) => {
        if (styles.size >= STYLES_KEPT) styles.delete(styles.keys().next().value);
        styles.set(address, found);
        if (asked === address) asked = "";
        draw();
      },
      () => {
        if (asked === address) asked = "";
        turn = window.setTimeout(draw, ASK_AGAIN_MS);
      },
    );
  }

  /** Draw this figure as soon as the one before it is on the screen. */
  function draw(next) {
    figure = next || figure;
    window.clearTimeout(turn);
    if (!figure || !graphics.canDraw()) return;
    if (isBusy() || (map() && !isLoaded(map()))) {
      turn = window.setTimeout(draw, AGAIN_MS);
      return;
    }
    if (!isAtHand(figure)) return;
    stats.drawn += 1;
    drawing = performance.now();
    latest = figure;
    window.dash_clientside.set_props("map-figure", { figure: figure });
    figure = null;
    window.setTimeout(listen, 0);
  }

  /** Plotly's graph is made by the first figure, and its events can be heard only then. */
  function listen() {
    const drawn = graph();
    if (!drawn || !drawn.once || !drawn._fullLayout) return void window.setTimeout(listen, AGAIN_MS);
    const began = drawing;
    const over = () => {
      if (drawing === began) drawing = 0;
      colour();
      draw();
    };
    drawn.once("plotly_afterplot", over);
    if (map() !== watched && map()) {
      watched = map();
      changeAtOnce(watched);
      watched.on("styledata", colour);
      watched.on("idle", colour);
    }
  }

  /** The camera is the server's, also under a hand: marks and names lie over it by its place.
   *
   * Plotly lets MapLibre move it again with every drawing, so it is told before each gesture.
   */
  function hold() {
    const here = map();
    MOVED_BY.forEach((way) => here && here[way] && here[way].disable());
  }

  function wanted() {
    const element = document.querySelector("#map-grids > div");
    return element ? JSON.parse(element.dataset.steps) : {};
  }

  /** Colour the grids that have changed; all of them on a style that is new. */
  function colour() {
    const here = map();
    if (!graphics.canDraw() || !isLoaded(here) || !here.getSource(GRIDS)) return;
    if (style !== here.style) {
      style = here.style;
      shown = {};
    }
    const next = wanted();
    for (const code of Object.keys(Object.assign({}, shown, next))) {
      const step = next[code] || 0;
      if ((shown[code] || 0) === step) continue;
      here.setFeatureState({ source: GRIDS, id: code }, { step: step });
    }
    shown = next;
    stats.coloured += 1;
  }

  /** Forget what was drawn: the graphics are back, and everything is to be put on anew. */
  function forget() {
    style = null;
    drawing = 0;
  }

  /* A tile that does not come is no fault of the page: Plotly gives up a promise, the map goes on.
   * When its box changes while a style loads, Plotly draws by itself, in vain: it is done again. */
  window.addEventListener("unhandledrejection", (event) => {
    const said = event.reason && event.reason.message;
    if (said !== "Map error." && said !== TOO_EARLY) return;
    stats.errors += 1;
    event.preventDefault();
    if (said === TOO_EARLY) again();
  });

  /** Draw the last figure once more, as soon as its style is there. */
  function again() {
    drawing = 0;
    if (latest) window.setTimeout(() => draw(figure || Object.assign({}, latest)), AGAIN_MS);
  }

  ["pointerdown", "mousedown", "touchstart", "wheel", "keydown"].forEach((gesture) =>
    document.addEventListener(gesture, hold, { capture: true, passive: true }));

  window.grid135 = Object.assign(window.grid135 || {}, {
    grids: { draw: draw, colour: colour, forget: forget, map: map, stats: stats },
  });
})();
