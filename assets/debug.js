/* With ?debug in the URL: how this screen is doing, for whoever stands in front of it. */
(function () {
  "use strict";

  const EVERY_MS = 1000;
  const { clock } = window.grid135;

  function mb(bytes) {
    return (bytes / 1048576).toFixed(1) + " MB";
  }

  function ms(value) {
    return value === null ? "—" : Math.round(value) + " ms";
  }

  /** The rows: the key of a sentence, and what is behind it. */
  function rows() {
    const { live, grids, screenClock, endure, sound } = window.grid135;
    const { lost, heardMs, build, stats } = live.state();
    const found = screenClock.found();
    const memory = performance.memory;
    const says = (name) => clock.say("debug." + name, {});
    return [
      ["stream", says(lost ? "lost" : "open") + " · " + stats.connects],
      ["message", stats.lastSeq + " · " + ms(heardMs)],
      ["redraws", stats.applied + " / " + stats.messages + " · " + grids.stats.drawn],
      ["bytes", mb(stats.bytes)],
      ["heap", memory ? mb(memory.usedJSHeapSize) : "—"],
      ["nodes", document.getElementsByTagName("*").length],
      ["clock", ms(found && found.offMs) + " ± " + ms(found && found.tripMs / 2)],
      ["awake", says(endure.isAwake() ? "yes" : "no")],
      ["sound", says("sound_" + sound.state())],
      ["build", build || "—"],
    ];
  }

  function show(box) {
    rows().forEach(([key, text], i) => {
      const line = box.children[i] || box.appendChild(document.createElement("p"));
      const said = clock.say("debug." + key, { value: text });
      if (line.textContent !== said) line.textContent = said;
    });
  }

  if (!new URLSearchParams(window.location.search).has("debug")) return;
  const box = document.createElement("div");
  box.id = "debug";
  document.body.appendChild(box);
  window.setInterval(() => show(box), EVERY_MS);
})();
