/* Sends a canary when its button is pressed; what became of it comes back by the stream. */
(function () {
  "use strict";

  const SHOWN_MS = 4000;

  function send(button) {
    const { clock } = window.grid135;
    const label = button.textContent;
    const restore = () => {
      button.disabled = false;
      button.textContent = label;
    };
    button.disabled = true;
    button.textContent = clock.say("canary.sending", {});
    const query = new URLSearchParams({ source: button.dataset.canary });
    window.grid135.post("/api/v1/canary?" + query).then(
      (answer) => {
        if (answer.ok) return restore();
        button.textContent = clock.say("canary.failed", {});
        window.setTimeout(restore, SHOWN_MS);
      },
      () => {
        button.textContent = clock.say("canary.failed", {});
        window.setTimeout(restore, SHOWN_MS);
      },
    );
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-canary]");
    if (button && !button.disabled) send(button);
  });
})();
