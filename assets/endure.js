/* Keeps a screen well that is never switched off: awake, unburnt, and loaded anew once a night.
 *
 * What it is to do stands in #endurance-state, as the server has drawn it.
 */
(function () {
  "use strict";

  const EVERY_MS = 1000;
  const HEAP_SHARE = 0.7; // of what the browser allows: better a quiet reload than a crash
  const PATH = [[0, 0], [1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1], [1, -1]];
  const { clock } = window.grid135;
  const root = document.documentElement;
  const spread = Math.random(); // this screen's turn among those of the room

  let dueMs = 0; // of the server's clock
  let stirredAt = performance.now();
  let newest = 0;
  let awake = null;

  function orders() {
    const element = document.querySelector("#endurance-state > div");
    return element ? element.dataset : null;
  }

  /** The earliest moment that was named stays: the next night's is named while this one is due. */
  function remember(data) {
    const heard = data.reload ? Number(data.reload) + spread * Number(data.spread) * 1000 : 0;
    if (!heard || !dueMs || heard < dueMs) dueMs = heard;
  }

  function isFull() {
    const memory = performance.memory;
    return Boolean(memory) && memory.usedJSHeapSize > HEAP_SHARE * memory.jsHeapSizeLimit;
  }

  function reload(data) {
    const isDue = (dueMs && clock.now() >= dueMs) || isFull();
    const { live } = window.grid135;
    if (isDue && !data.busy && !live.state().lost) window.grid135.anew();
  }

  /** One pixel further every few minutes, along a path around the middle. */
  function wander(data) {
    const px = Number(data.shiftPx);
    const step = Math.floor(performance.now() / 1000 / Number(data.shiftEvery)) % PATH.length;
    const [right, down] = px ? PATH[step] : [0, 0];
    root.style.setProperty("--shift-right", right * px + "px");
    root.style.setProperty("--shift-down", down * px + "px");
  }

  function stir() {
    stirredAt = performance.now();
    document.body.classList.remove("is-idle");
  }

  function dim(data) {
    const idleMs = performance.now() - stirredAt;
    root.style.setProperty("--idle-shade", 1 - Number(data.idleBrightness));
    const isIdle = idleMs >= Number(data.idleAfter) * 1000 && !data.busy;
    document.body.classList.toggle("is-idle", isIdle);
  }

  /** A new incident is something to be looked at. */
  function notice() {
    const data = orders();
    if (data) remember(data);
    let latest = 0;
    document.querySelectorAll(".row[data-t0]").forEach((row) => {
      latest = Math.max(latest, Number(row.dataset.t0));
    });
    if (latest > newest) stir();
    newest = Math.max(newest, latest);
  }

  /** Browsers give the lock on secure pages only; elsewhere the system's own setting must do. */
  function keepAwake() {
    if (!navigator.wakeLock || awake || document.visibilityState !== "visible") return;
    awake = "asked";
    navigator.wakeLock.request("screen").then((lock) => {
      awake = lock;
      lock.addEventListener("release", () => (awake = null));
    }, () => (awake = null));
  }

  function turn() {
    const data = orders();
    if (!data) return;
    wander(data);
    dim(data);
    reload(data);
    keepAwake();
  }

  document.addEventListener("grid135:shown", notice);
  document.addEventListener("visibilitychange", keepAwake);
  document.addEventListener("keydown", stir);
  document.addEventListener("pointerdown", stir);
  document.addEventListener("pointermove", (event) => {
    if (event.movementX || event.movementY) stir();
  });
  window.setInterval(turn, EVERY_MS);
  window.grid135.endure = { isAwake: () => Boolean(awake && awake !== "asked") };
})();
