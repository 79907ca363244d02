/* Listens to the server's stream and puts what it says onto the page. Never gives up. */
(function () {
  "use strict";

  const RETRY_MS = 900; // plus up to 300 ms, so that a room of screens does not knock at once
  const LOADED_WITHIN_MS = 20000;
  const SILENCE_MS = 4500; // two heartbeats and a little: said within five seconds
  const { clock, fit } = window.grid135;
  const stats = { messages: 0, applied: 0, connects: 0, lastSeq: 0 };

  let source = null;
  let retry = 0;
  let build = "";
  let heardAt = performance.now(); // when the server last said anything, by our steady clock
  let lost = true;
  let staleMs = null;
  let contextLost = false;
  let pending = {};
  let scheduled = false;
  let figure = null;

  function ready() {
    const dash = window.dash_clientside;
    return dash && dash.set_props && document.querySelector(".wall");
  }

  function url() {
    const query = new URLSearchParams(window.location.search);
    query.set("page", document.documentElement.dataset.page);
    return "/stream?" + query.toString();
  }

  function connect() {
    disconnect();
    stats.connects += 1;
    source = new EventSource(url());
    source.onmessage = (event) => hear(JSON.parse(event.data));
    source.addEventListener("beat", (event) => hear(JSON.parse(event.data)));
    source.onerror = lose;
  }

  function disconnect() {
    window.clearTimeout(retry);
    if (source) source.close();
    source = null;
  }

  /** Close and try again: the browser's own retry gives up for good on some errors. */
  function lose() {
    lost = true;
    disconnect();
    retry = window.setTimeout(connect, RETRY_MS + Math.random() * 300);
    banner();
  }

  function hear(message) {
    heardAt = performance.now();
    lost = false;
    staleMs = message.stale_ms;
    clock.sync(message.now_ms, message.rate);
    if (message.build) {
      if (build && build !== message.build) return window.location.reload();
      build = message.build;
    }
    if (message.props) {
      stats.messages += 1;
      stats.lastSeq = message.seq;
      Object.assign(pending, message.props);
      schedule();
    }
    banner();
  }

  /** Messages that arrive while the page is busy are put on together. */
  function schedule() {
    if (scheduled) return;
    scheduled = true;
    window.setTimeout(apply, 0);
  }

  function apply() {
    scheduled = false;
    const props = pending;
    pending = {};
    for (const [id, values] of Object.entries(props)) {
      if (values.figure) {
        figure = values.figure;
        figure.layout.map.zoom = fit.zoomHere(figure.layout.map.zoom);
        continue;
      }
      window.dash_clientside.set_props(id, values);
    }
    stats.applied += 1;
    document.body.classList.remove("is-connecting");
    window.setTimeout(settle, 0);
  }

  /** After React has put the words up: tick and fit them, then draw the map, which is slow. */
  function settle() {
    clock.tick();
    fit.all();
    window.requestAnimationFrame(() => window.setTimeout(drawMap, 0));
  }

  function drawMap() {
    if (!figure || contextLost || document.body.classList.contains("is-without-webgl")) return;
    window.dash_clientside.set_props("map-figure", { figure: figure });
    figure = null;
  }

  function banner() {
    const element = document.getElementById("banner");
    if (!element) return;
    const text = bannerText();
    if (element.textContent !== text) element.textContent = text;
    const stale = lost || staleMs !== null || silent();
    document.body.classList.toggle("is-stale", Boolean(stale && text));
  }

  function bannerText() {
    if (document.body.classList.contains("is-connecting") && stats.messages === 0) {
      return stats.connects > 1 ? clock.say("live.connecting", {}) : "";
    }
    if (lost || silent()) {
      return clock.say("live.lost", { age: clock.duration(performance.now() - heardAt) });
    }
    if (staleMs !== null) {
      return clock.say("live.data_lost", { age: clock.duration(clock.now() - staleMs) });
    }
    return "";
  }

  function silent() {
    return performance.now() - heardAt > SILENCE_MS;
  }

  function watch() {
    if (silent() && source) lose();
    banner();
  }

  function hasWebgl() {
    const context = document.createElement("canvas").getContext("webgl2");
    if (!context) return false;
    const release = context.getExtension("WEBGL_lose_context");
    if (release) release.loseContext();
    return true;
  }

  /** The map's canvas comes and goes; its events reach the document on the way down. */
  function watchContext() {
    document.addEventListener("webglcontextlost", () => (contextLost = true), true);
    document.addEventListener("webglcontextrestored", () => {
      contextLost = false;
      window.setTimeout(connect, 0);
    }, true);
  }

  /** A page that was cut off while it loaded begins anew, but only when there is a server. */
  function beginAnew() {
    fetch("/health", { cache: "no-store" }).then(
      () => window.location.reload(),
      () => window.setTimeout(beginAnew, RETRY_MS),
    );
  }

  function start() {
    if (!ready() && performance.now() > LOADED_WITHIN_MS) return beginAnew();
    if (!ready()) return window.setTimeout(start, 30);
    document.body.classList.toggle("is-without-webgl", !hasWebgl());
    watchContext();
    connect();
    window.setInterval(watch, 1000);
    // A page that was asleep has missed messages and lost its timers: ask for everything.
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") connect();
    });
    let resized = 0;
    window.addEventListener("resize", () => {
      window.clearTimeout(resized);
      resized = window.setTimeout(connect, 200);
    });
  }

  window.grid135.live = { stats: stats };
  start();
})();
