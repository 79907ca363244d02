/* The search box of the desk: made here, so that nothing that is pushed disturbs who writes. */
(() => {
  "use strict";

  let input = null;

  function make(place) {
    input = document.createElement("input");
    input.type = "search";
    input.id = "desk-search";
    input.maxLength = 80;
    input.autocomplete = "off";
    input.spellcheck = false;
    place.appendChild(input);
    input.addEventListener("keydown", press);
    input.addEventListener("search", () => {
      if (!input.value && new URLSearchParams(window.location.search).get("q")) look("");
    });
  }

  function look(words) {
    window.grid135.desk.go(window.grid135.desk.changed({ q: words.trim() }));
  }

  function press(event) {
    if (event.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      look(input.value);
    } else if (event.key === "Escape") {
      input.value = "";
    }
  }

  function shown() {
    const place = document.getElementById("desk-find");
    if (!place || place.dataset.label === undefined) return;
    if (!input || !place.contains(input)) make(place);
    input.setAttribute("aria-label", place.dataset.label);
    input.placeholder = place.dataset.hint;
    if (document.activeElement !== input) input.value = place.dataset.sought || "";
  }

  document.addEventListener("grid135:shown", shown);
  document.addEventListener("keydown", (event) => {
    const writes = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key !== "/" || writes || !input || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
})();
