/* Knows how the map can be drawn: WebGL may be missing, slow, get lost, and come back. */
(function () {
  "use strict";

  const GIVEN_BACK_WITHIN_MS = 20000;
  const ANEW_APART_MS = 600000;
  const LOADED_ANEW = "grid135.graphics";
  const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

  let lost = false;
  let waiting = 0;

  function look() {
    const context = document.createElement("canvas").getContext("webgl2");
    const names = document.body.classList;
    names.toggle("is-without-webgl", !context);
    names.toggle("is-without-gpu", !context || isSoftware(context));
    const release = context && context.getExtension("WEBGL_lose_context");
    if (release) release.loseContext();
  }

  function isSoftware(context) {
    const info = context.getExtension("WEBGL_debug_renderer_info");
    const name = info ? info.UNMASKED_RENDERER_WEBGL : context.RENDERER;
    return SOFTWARE.test(context.getParameter(name));
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
    window.grid135.anew();
  }

  /** The map's canvas comes and goes; its events reach the document on the way down. */
  function start() {
    look();
    document.addEventListener("webglcontextlost", (event) => {
      if (!event.target.isConnected) return;
      lost = true;
      window.clearTimeout(waiting);
      waiting = window.setTimeout(giveUp, GIVEN_BACK_WITHIN_MS);
    }, true);
    document.addEventListener("webglcontextrestored", () => {
      lost = false;
      window.clearTimeout(waiting);
      window.grid135.grids.forget();
      window.setTimeout(window.grid135.live.connect, 0);
    }, true);
  }

  window.grid135 = Object.assign(window.grid135 || {}, {
    graphics: { start: start, canDraw: canDraw },
  });
})();
