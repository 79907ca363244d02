/* Compares this machine's own clock with the server's, and says so when it is off.
 *
 * What the wall shows is the server's time anyway. But a machine whose clock is off fails in other
 * ways (certificates, logs), and nobody would notice. The shortest of a few round trips counts,
 * and the server is taken to have answered in the middle of it: the error is half of the trip.
 */
(function () {
  "use strict";

  const FIRST_AFTER_MS = 1500;
  const EVERY_MS = 600000;
  const AGAIN_MS = 30000;
  const TRIPS = 4;
  const TOLERATED_MS = 2000;
  const { clock } = window.grid135;

  let found = null; // {offMs, tripMs}: positive when this machine is ahead

  async function trip() {
    const sentAt = performance.now();
    const answer = await fetch("/time", { cache: "no-store" });
    const { real_ms: realMs } = await answer.json();
    const tripMs = performance.now() - sentAt;
    return { offMs: Date.now() - tripMs / 2 - realMs, tripMs: tripMs };
  }

  async function measure() {
    try {
      let best = null;
      for (let i = 0; i < TRIPS; i += 1) {
        const one = await trip();
        if (!best || one.tripMs < best.tripMs) best = one;
      }
      found = best;
      window.setTimeout(measure, EVERY_MS);
    } catch (_) {
      window.setTimeout(measure, AGAIN_MS); // the banner says that the server is not there
    }
    show();
  }

  function text() {
    if (!found || Math.abs(found.offMs) - found.tripMs / 2 <= TOLERATED_MS) return "";
    const key = found.offMs > 0 ? "screen.fast" : "screen.slow";
    return clock.say(key, { length: clock.duration(Math.abs(found.offMs)) });
  }

  function show() {
    const note = document.querySelector(".clock__note");
    const said = text();
    if (note && note.textContent !== said) note.textContent = said;
  }

  document.addEventListener("grid135:shown", show);
  window.setTimeout(measure, FIRST_AFTER_MS);
  window.grid135.screenClock = { found: () => found, measure: measure };
})();
