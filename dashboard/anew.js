/* Loads the page anew. It stands in the page itself, for any other part can be lost on its way. */
(function () {
  "use strict";

  const RETRY_MS = 900;
  const APART_MS = 30000; // two servers of different builds must not play ball with a page
  const AT_MOST_MS = 3600000; // a part that never comes must not have a wall blink for months
  const LAST = "grid135.reloaded";
  const IN_VAIN = "grid135.in_vain";

  let due = Infinity; // when it is tried, by our steady clock
  let waiting = 0;
  let whole = true;

  function kept(key) {
    return Number(window.sessionStorage.getItem(key) || 0);
  }

  /** Load the page anew, but only when it is to be had: a browser's error page never comes back.
   *
   * Who asks while it waits is not kept waiting by a part that has been asked for in vain.
   */
  function anew(afterMs, apartMs) {
    const apart = apartMs || APART_MS;
    const since = Date.now() - kept(LAST);
    const early = since >= 0 && since < apart ? apart - since : 0;
    const inMs = Math.max(early, afterMs || 0);
    if (performance.now() + inMs >= due) return;
    due = performance.now() + inMs;
    window.clearTimeout(waiting);
    waiting = window.setTimeout(knock, inMs);
  }

  function knock() {
    const again = () => window.setTimeout(knock, RETRY_MS);
    fetch(window.location.href, { cache: "no-store" }).then((answer) => {
      if (!answer.ok) return again();
      window.sessionStorage.setItem(LAST, Date.now());
      if (!whole) window.sessionStorage.setItem(IN_VAIN, kept(IN_VAIN) + 1);
      window.location.reload();
    }, again);
  }

  /** Without one of its scripts or styles a page is not what it should be, and does not know it. */
  window.addEventListener("error", (event) => {
    if (!event.target.matches?.("script, link[rel=stylesheet]")) return;
    whole = false;
    anew(0, Math.min(APART_MS * 2 ** kept(IN_VAIN), AT_MOST_MS));
  }, true);

  window.addEventListener("load", () => {
    if (whole) window.sessionStorage.removeItem(IN_VAIN);
  });

  window.grid135 = { anew: anew };
})();
