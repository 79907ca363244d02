/* The search box of the desk: made here, so that nothing that is pushed disturbs who writes. */
(() => {
  "use strict";

  const WAIT_MS = 120; // after the last key
  const MENU = "find-menu";
  let input = null;
  let menu = null;
  let asked = 0;
  let waiting = 0;
  let at = -1;

  function make(place) {
    input = Object.assign(document.createElement("input"), {
      type: "search", id: "desk-search", maxLength: 80, autocomplete: "off", spellcheck: false,
    });
    menu = Object.assign(document.createElement("div"), { id: MENU, hidden: true });
    menu.className = "pick__menu find";
    menu.setAttribute("role", "listbox");
    const roles = { role: "combobox", "aria-controls": MENU, "aria-expanded": "false",
                    "aria-autocomplete": "list" };
    Object.entries(roles).forEach(([name, value]) => input.setAttribute(name, value));
    place.append(input, menu);
    input.addEventListener("keydown", press);
    input.addEventListener("input", () => {
      window.clearTimeout(waiting);
      waiting = window.setTimeout(ask, WAIT_MS);
    });
    input.addEventListener("blur", () => window.setTimeout(close, 200));
    input.addEventListener("focus", () => input.value.trim() && ask());
  }

  function look(words) {
    close();
    window.grid135.desk.go(window.grid135.desk.changed({ q: words.trim() }));
  }

  function close() {
    menu.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function ask() {
    const words = input.value.trim();
    const mine = (asked += 1);
    if (!words) return close();
    const query = new URLSearchParams({ q: words });
    const lang = new URLSearchParams(window.location.search).get("lang");
    if (lang) query.set("lang", lang);
    fetch("/find?" + query)
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer)))
      .then((found) => mine === asked && document.activeElement === input && offer(found),
            () => undefined);
  }

  function line(one, i) {
    const link = document.createElement("a");
    link.href = one.href;
    link.id = MENU + i;
    link.className = "find__line";
    link.tabIndex = -1;
    link.setAttribute("role", "option");
    for (const name of ["group", "text", "more"]) {
      const span = document.createElement("span");
      span.className = "find__" + name + (name === "text" ? " may-clip" : "");
      span.textContent = one[name];
      link.append(span);
    }
    return link;
  }

  function offer(found) {
    const say = window.grid135.clock.say;
    const nothing = document.createElement("p");
    nothing.textContent = say("find.nothing", {});
    menu.replaceChildren(...(found.length ? found.map(line) : [nothing]));
    menu.hidden = false;
    at = -1;
    input.setAttribute("aria-expanded", "true");
  }

  function mark(step) {
    const lines = [...menu.querySelectorAll("a")];
    if (menu.hidden || !lines.length) return;
    at = (at + step + lines.length + 1) % (lines.length + 1);
    lines.forEach((one, i) => one.classList.toggle("is-on", i === at));
    if (lines[at]) input.setAttribute("aria-activedescendant", lines[at].id);
    else input.removeAttribute("aria-activedescendant");
  }

  function press(event) {
    if (event.isComposing) return;
    const chosen = menu.querySelector("a.is-on");
    if (event.key === "Enter") {
      event.preventDefault();
      window.clearTimeout(waiting);
      asked += 1;
      if (chosen && !menu.hidden) window.grid135.desk.go(chosen.href);
      else look(input.value);
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape") {
      event.preventDefault();
      const sought = new URLSearchParams(window.location.search).get("q");
      if (!menu.hidden) return close();
      input.value = "";
      if (sought) look("");
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
