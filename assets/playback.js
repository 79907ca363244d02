/* Scrubs through the past: one frame at a time, the newest asked for last; the moment is in the URL. */
(function () {
  "use strict";

  if (document.documentElement.dataset.page !== "playback") return;

  const STEP_MS = { day: 5 * 60000, hour: 15000 };
  const SPEEDS = [1, 2, 4, 8]; // steps a second
  const JUMP = 12; // steps of a page key
  const say = (key, blanks) => window.grid135.clock.say(key, blanks || {});
  const stats = { frames: 0, lastMs: 0 };

  let span = null; // what the server says of the bar: moments in epoch milliseconds
  let at = 0;
  let speed = 2;
  let playing = 0;
  let loading = false;
  let wanted = null;
  let made = null;

  function element(tag, attributes, text) {
    const one = Object.assign(document.createElement(tag), attributes);
    if (text) one.textContent = text;
    return one;
  }

  function step() {
    return STEP_MS[span.span];
  }

  function iso(ms) {
    return new Date(ms).toISOString().replace(".000Z", "Z");
  }

  function query() {
    return new URLSearchParams(window.location.search);
  }

  function put(name, value) {
    const asked = query();
    asked.set(name, value);
    window.history.replaceState(null, "", window.location.pathname + "?" + asked);
  }

  /** Show a moment: what is asked for while a frame loads waits, and only the last of it. */
  function go(ms) {
    const end = Math.min(span.ends, window.grid135.clock.now());
    at = Math.max(span.begins, Math.min(ms, end));
    if (at >= end) pause();
    made.bar.value = at;
    made.time.textContent = local(at);
    put("at", iso(at));
    wanted = at;
    load();
  }

  async function load() {
    if (loading || wanted === null) return;
    loading = true;
    wanted = null;
    const began = performance.now();
    const asked = query();
    asked.set("page", "playback");
    try {
      const answer = await fetch("/frame?" + asked, { cache: "no-store" });
      if (answer.ok) window.grid135.live.show((await answer.json()).props);
      stats.frames += 1;
    } catch (error) {
      pause(); // the banner says that the server is away
    }
    stats.lastMs = performance.now() - began;
    loading = false;
    load();
  }

  function local(ms) {
    const form = { timeZone: span.zone, hour: "2-digit", minute: "2-digit", second: "2-digit" };
    return new Intl.DateTimeFormat("en-GB", { ...form, hourCycle: "h23" }).format(ms);
  }

  function play() {
    pause();
    playing = window.setInterval(() => {
      if (!loading) go(at + step());
    }, 1000 / speed);
    label();
  }

  function pause() {
    window.clearInterval(playing);
    playing = 0;
    label();
  }

  function label() {
    if (made) made.button.textContent = say(playing ? "playback.pause" : "playback.play");
  }

  /** Another day, another hour, or the day of this hour: the server says anew what the bar spans. */
  function other(ms, name) {
    const asked = query();
    asked.set("at", iso(Math.min(ms, window.grid135.clock.now())));
    asked.set("span", name || span.span);
    window.location.assign(window.location.pathname + "?" + asked);
  }

  function build() {
    const box = document.getElementById("play-controls");
    const length = { day: 86400000, hour: 3600000 }[span.span];
    const button = element("button", { className: "is-main", type: "button" });
    const bar = element("input", { type: "range", ariaLabel: say("playback.bar") });
    const time = element("output", {});
    const rate = element("select", { ariaLabel: say("playback.speed") });
    const back = element("button", { type: "button" }, say("playback.earlier_" + span.span));
    const on = element("button", { type: "button" }, say("playback.later_" + span.span));
    const swap = span.span === "day" ? "hour" : "day";
    const turn = element("button", { type: "button" }, say("playback.by_" + swap));
    Object.assign(bar, { min: span.begins, max: span.ends, step: step(), value: at });
    SPEEDS.forEach((one) => rate.append(element("option", { value: one }, one + "×")));
    rate.value = speed;
    button.addEventListener("click", () => (playing ? pause() : play()));
    bar.addEventListener("input", () => go(Number(bar.value)));
    rate.addEventListener("change", () => {
      speed = Number(rate.value);
      put("speed", speed);
      if (playing) play();
    });
    back.addEventListener("click", () => other(at - length));
    on.addEventListener("click", () => other(at + length));
    turn.addEventListener("click", () => other(at, swap));
    box.replaceChildren(button, back, bar, on, time, rate, turn);
    made = { button: button, bar: bar, time: time };
    time.textContent = local(at);
    label();
  }

  function start() {
    const data = document.querySelector("#play-span > div");
    if (!data || made) return;
    const { begins, ends, zone } = data.dataset;
    span = { begins: Number(begins), ends: Number(ends), zone: zone, span: data.dataset.span };
    at = Number(data.dataset.at);
    speed = SPEEDS.includes(Number(query().get("speed"))) ? Number(query().get("speed")) : speed;
    put("at", iso(at));
    window.grid135.live.hold(); // the stream goes on with the moment that it was opened with
    build();
  }

  const KEYS = {
    " ": () => (playing ? pause() : play()),
    ArrowRight: () => go(at + step()),
    ArrowLeft: () => go(at - step()),
    PageUp: () => go(at - JUMP * step()),
    PageDown: () => go(at + JUMP * step()),
    Home: () => go(span.begins),
    End: () => go(span.ends),
  };

  document.addEventListener("keydown", (event) => {
    const act = KEYS[event.key];
    const own = event.target.closest && event.target.closest("select, button, a");
    if (!act || !made || own || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });

  document.addEventListener("grid135:shown", start);
  window.grid135.playback = { stats: stats };
})();
