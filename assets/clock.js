/* Ticks everything that changes with time alone, once a second, without a byte of traffic.
 *
 * data-tick says what an element shows: time, date, left, elapsed, age. Its other data
 * attributes are moments in epoch milliseconds of the server's clock. An element with
 * data-t0 is an incident: its class follows its deadline, and it is new for a while.
 */
(function () {
  "use strict";

  const NEW_FOR_MS = 20000;
  const STATES = ["is-running", "is-warning", "is-missed"];
  const config = JSON.parse(document.getElementById("grid135").textContent);
  const texts = config.texts;
  const locale = config.lang === "zh" ? "zh-CN" : "en-GB";

  // The server's clock: what it said, when we heard it by our own steady clock, and its rate.
  let said = { nowMs: Date.now(), heardAt: performance.now(), rate: 1 };
  const formats = new Map();

  function sync(nowMs, rate) {
    said = { nowMs: nowMs, heardAt: performance.now(), rate: rate };
  }

  function now() {
    return said.nowMs + (performance.now() - said.heardAt) * said.rate;
  }

  function say(key, values) {
    return texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  /** A length of time in its one or two largest units; text/format.py says the same. */
  function duration(ms) {
    const s = Math.max(0, Math.floor(ms / 1000));
    const m = Math.floor(s / 60);
    const h = Math.floor(s / 3600);
    const d = Math.floor(s / 86400);
    if (s < 60) return say("duration.seconds", { s: s });
    if (m < 60) return say("duration.minutes", { m: m });
    if (h < 10 && m % 60) return say("duration.hours_minutes", { h: h, m: m % 60 });
    if (h < 24) return say("duration.hours", { h: h });
    if (d < 10 && h % 24) return say("duration.days_hours", { d: d, h: h % 24 });
    return say("duration.days", { d: d });
  }

  /** 4:07 below an hour, words above. */
  function stopwatch(ms) {
    const s = Math.max(0, Math.floor(ms / 1000));
    if (s >= 3600) return duration(ms);
    return Math.floor(s / 60) + ":" + String(s % 60).padStart(2, "0");
  }

  function zoned(zone) {
    if (!formats.has(zone)) {
      const parts = { month: "numeric", day: "numeric", weekday: "long" };
      formats.set(zone, {
        time: new Intl.DateTimeFormat("en-GB", {
          timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
        }),
        date: new Intl.DateTimeFormat("en-GB", Object.assign({ timeZone: zone }, parts)),
      });
    }
    return formats.get(zone);
  }

  function date(at, zone) {
    const parts = {};
    for (const part of zoned(zone).date.formatToParts(at)) parts[part.type] = part.value;
    const weekday = texts["date." + parts.weekday.toLowerCase()];
    return say("date.long", { month: texts["date.month" + parts.month], day: parts.day, weekday: weekday });
  }

  const TEXT = {
    time: (data, at) => zoned(data.zone).time.format(at),
    date: (data, at) => date(at, data.zone),
    left: (data, at) => {
      if (!data.deadline) return "";
      const left = Number(data.deadline) - at;
      const key = left >= 0 ? "open.left" : "open.over";
      return say(key, { duration: stopwatch(left >= 0 ? left + 999 : -left) });
    },
    elapsed: (data, at) => {
      const text = stopwatch(at - Number(data.since));
      return data.say ? say(data.say, { duration: text }) : text;
    },
    age: (data, at) => say(data.say, { age: duration(at - Number(data.since)) }),
  };

  function show(element, at) {
    const text = TEXT[element.dataset.tick](element.dataset, at);
    if (element.textContent !== text) element.textContent = text;
  }

  /** React writes className as a whole, so the class is put right at every tick. */
  function mark(element, at) {
    const data = element.dataset;
    element.classList.toggle("is-new", at - Number(data.t0) < NEW_FOR_MS);
    if (!data.deadline) return;
    const missed = at > Number(data.deadline);
    const warning = !missed && data.warning && at >= Number(data.warning);
    const state = missed ? "is-missed" : warning ? "is-warning" : "is-running";
    for (const name of STATES) element.classList.toggle(name, name === state);
  }

  function tick() {
    const at = now();
    document.querySelectorAll("[data-tick]").forEach((element) => show(element, at));
    document.querySelectorAll("[data-t0]").forEach((element) => mark(element, at));
  }

  /** Tick on the server's full second, so that all screens of a room tick together. */
  function loop() {
    tick();
    window.setTimeout(loop, 1000 - (((now() % 1000) + 1000) % 1000) + 5);
  }

  window.grid135 = Object.assign(window.grid135 || {}, {
    clock: { sync: sync, now: now, tick: tick, say: say, duration: duration },
  });
  loop();
})();
