/* Puts the stage that the server has set onto the page: scene, theme, brightness, size of type.
 *
 * A touch or a mouse stops the rotation: the screen asks for a view with the scene it shows, so
 * that it stays live while it stands still, and goes back to the round after a while.
 */
(function () {
  "use strict";

  const KEYS = { ArrowRight: 1, ArrowLeft: -1 };
  const SMALLEST_REM = 1.0625; // --size-s
  const { live } = window.grid135;
  const root = document.documentElement;

  // The ground is pale from the first moment where the address says so.
  const asked = new URLSearchParams(window.location.search).get("theme");
  if (asked === "light") root.dataset.theme = asked;

  let held = ""; // the scene that a person holds, as the URL names it
  let release = 0;
  let camera = "";

  function state() {
    const element = document.querySelector("#stage-state > div");
    return element ? element.dataset : null;
  }

  function set(element, name, value) {
    if (element.dataset[name] !== value) element.dataset[name] = value;
  }

  /** Called with every message, before anything is measured. */
  function apply() {
    const stage = state();
    if (!stage) return;
    set(root, "scene", stage.scene);
    set(root, "theme", stage.theme);
    root.style.setProperty("--brightness", stage.brightness);
    root.classList.toggle("is-dim", Number(stage.brightness) < 1);
    // The smallest text fills the angle it has to fill, however far away the viewers are.
    root.style.setProperty("--least", Number(stage.least) / SMALLEST_REM);
    soften(stage);
  }

  /** When the camera jumps, the map fades out and in around it. */
  function soften(stage) {
    const now = [stage.scene, stage.community, stage.critical].join("|");
    if (camera && camera !== now) {
      document.body.classList.add("is-moving");
      window.setTimeout(() => document.body.classList.remove("is-moving"), 400);
    }
    camera = now;
  }

  function here(stage) {
    const community = stage.community ? ":" + stage.community : "";
    return stage.scene === "incident" ? "overview" : stage.scene + community;
  }

  function hold(scene) {
    const stage = state();
    if (!stage || new URLSearchParams(window.location.search).has("scene")) return;
    window.clearTimeout(release);
    release = window.setTimeout(letGo, Number(stage.hold) * 1000);
    const wanted = scene || held || here(stage);
    if (wanted === held) return;
    held = wanted;
    live.watch(held);
  }

  function letGo() {
    held = "";
    live.watch("");
  }

  function step(by) {
    const dots = [...document.querySelectorAll("#stage-round .round__dot")];
    const at = dots.findIndex((dot) => dot.classList.contains("is-here"));
    if (dots.length) hold(dots[(Math.max(at, 0) + by + dots.length) % dots.length].dataset.to);
  }

  document.addEventListener("pointerdown", (event) => {
    const dot = event.target.closest(".round__dot");
    hold(dot ? dot.dataset.to : "");
  });
  // A mouse that somebody moves, not one that a page shift moves under.
  document.addEventListener("pointermove", (event) => {
    if (event.movementX || event.movementY) hold("");
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") letGo();
    else if (KEYS[event.key]) step(KEYS[event.key]);
  });

  Object.assign(window.grid135, { scenes: { apply: apply } });
})();
