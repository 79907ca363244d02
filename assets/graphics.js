/* Knows whether the map can be drawn: WebGL may be missing, get lost, and come back. */
(function () {
  "use strict";

  const GIVEN_BACK_WITHIN_MS = 20000;
  const ANEW_APART_MS = 600000;
  const LOADED_ANEW = "grid135.graphics";

  let lost = false;
  let waiting = 0;

  function hasWebgl() {
    const context = document.createElement("canvas").getContext("webgl2");
    if (!context) return false;
    const release = context.getExtension("WEBGL_lose_context");
    if (release) release.loseContext();
    return true;
  }

  function canDraw() {
    return !lost && !document.body.classList.contains("is-without-webgl");
  }

  /** A context that stays away: the page is loaded anew once, then the list has to do. */
  function giveUp() {
    const since = Date.now() - Number(window.sessionStorage.getItem(LOADED_ANEW) || 0);
    if (since >= 0 && since < ANEW_APART_MS) {
      document.body.classList.add("is-without-webgl");
      return;
    }
    window.sessionStorage.setItem(LOADED_ANEW, Date.now());
    window.grid135.live.restart();
  }

  /** The map's canvas comes and goes; its events reach the document on the way down. */
  function start() {
    document.body.classList.toggle("is-without-webgl", !hasWebgl());
    document.addEventListener("webglcontextlost", (event) => {
      if (!event.target.isConnected) return;
      lost = true;
      window.clearTimeout(waiting);
      waiting = window.setTimeout(giveUp, GIVEN_BACK_WITHIN_MS);
    }, true);
    document.addEventListener("webglcontextrestored", () => {
      lost = false;
      window.clearTimeout(waiting);
      window.setTimeout(window.grid135.live.connect, 0);
    }, true);
  }

  window.grid135 = Object.assign(window.grid135 || {}, {
    graphics: { start: start, canDraw: canDraw },
  });
})();
