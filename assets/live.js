/* Listens to the server's stream and puts what it says onto the page. Never gives up. */
(function () {
  "use strict";

  const RETRY_MS = 900; // plus up to 300 ms, so that a room of screens does not knock at once
  const LOADED_WITHIN_MS = 20000;
  const SILENCE_MS = 4200; // two heartbeats and a little: said within five seconds
  const WATCH_MS = 500;
  const ROOM_SPREAD_MS = 1500;
  const { anew, clock, fit, graphics, grids } = window.grid135;
  const stats = { messages: 0, applied: 0, connects: 0, lastSeq: 0, bytes: 0 };

  let source = null;
  let retry = 0;
  let build = "";
  let heardAt = performance.now(); // when the server last said anything, by our steady clock
  let lost = true;
  let staleMs = null;
  let unstoredMs = null;
  let pending = {};
  let scheduled = false;
  let started = false; // the page has its parts: what is heard can be put up
  let sent = null; // the map as the server drew it
  let held = false; // the page asks for its moments itself
  let scene = ""; // what a person has stopped the rotation at

  function ready() {
    const dash = window.dash_clientside;
    return dash && dash.set_props && document.querySelector("main > *");
  }

  function url() {
    const query = new URLSearchParams(window.location.search);
    query.set("page", decodeURIComponent(window.location.pathname).slice(1));
    if (scene) query.set("scene", scene);
    return "/stream?" + query.toString();
  }

  /** Listen anew; a page that is still without its parts does so when it has them. */
  function connect() {
    if (!started) return;
    disconnect();
    stats.connects += 1;
    source = new EventSource(url());
    source.onmessage = hearEvent;
    source.addEventListener("beat", hearEvent);
    source.addEventListener("over", ask);
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) ask(); // the server has said no
      lose();
    };
  }

  /** Whoever may look no longer is told so by the page itself: it leads to the login. */
  function ask() {
    fetch(window.location.href, { cache: "no-store" }).then((answer) => {
      if (answer.status === 401 || answer.status === 403) window.location.reload();
    }, () => undefined);
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

  function hearEvent(event) {
    stats.bytes += event.data.length;
    hear(JSON.parse(event.data));
  }

  function hear(message) {
    heardAt = performance.now();
    lost = false;
    staleMs = message.stale_ms;
    unstoredMs = message.unstored_ms;
    clock.sync(message.now_ms, message.rate);
    if (message.build) {
      if (build && build !== message.build) return anew(Math.random() * ROOM_SPREAD_MS);
      build = message.build;
    }
    if (message.props && !held) {
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

  /** Put up what a page has asked for by itself. */
  function show(props) {
    Object.assign(pending, props);
    schedule();
  }

  function apply() {
    scheduled = false;
    const props = pending;
    pending = {};
    for (const [id, values] of Object.entries(props)) {
      if (values.figure) {
        sent = values.figure;
        continue;
      }
      window.dash_clientside.set_props(id, values);
    }
    stats.applied += 1;
    document.body.classList.remove("is-connecting");
    window.setTimeout(settle, 0);
  }

  /** After React has put the words up: tick, fit and colour, then draw the ground, which is slow. */
  function settle() {
    if (window.grid135.scenes) window.grid135.scenes.apply();
    const figure = sent && fit.placed(sent);
    clock.tick();
    fit.all();
    grids.colour();
    document.dispatchEvent(new CustomEvent("grid135:shown"));
    window.requestAnimationFrame(() => window.setTimeout(() => grids.draw(figure), 0));
  }

  function banner() {
    const element = document.getElementById("banner");
    if (!element) return;
    const text = bannerText();
    if (element.textContent !== text) element.textContent = text;
    const stale = lost || staleMs !== null || unstoredMs !== null || silent();
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
    if (unstoredMs !== null) {
      return clock.say("live.unstored", { age: clock.duration(clock.now() - unstoredMs) });
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

  function start() {
    if (!ready() && performance.now() > LOADED_WITHIN_MS) return anew();
    if (!ready()) return window.setTimeout(start, 30);
    graphics.start();
    started = true;
    connect();
    window.setInterval(watch, WATCH_MS);
    // A page that was asleep has missed messages and lost its timers: ask for everything.
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") connect();
    });
    document.addEventListener("resume", connect);
    window.addEventListener("online", connect);
    let resized = 0;
    window.addEventListener("resize", () => {
      window.clearTimeout(resized);
      resized = window.setTimeout(connect, 200);
    });
  }

  /** From now on the page shows what it asks for itself; the stream says how the server is. */
  function hold() {
    held = true;
  }

  /** Show one scene, or with an empty name those of the round. */
  function watchScene(name) {
    scene = name;
    connect();
  }

  /** How the stream is doing, for whoever looks after the screen. */
  function state() {
    const heardMs = performance.now() - heardAt;
    return { lost: lost || silent(), heardMs: heardMs, build: build, stats: stats };
  }

  window.grid135.live = {
    show: show, hold: hold,
    stats: stats, watch: watchScene, connect: connect, state: state,
  };
  start();
})();
