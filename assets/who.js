/* Who is logged in, in a corner of every page but the wall: their role, and the way out. */
(function () {
  "use strict";

  function made(tag, className, text) {
    const element = document.createElement(tag);
    element.className = className;
    if (text) element.textContent = text;
    return element;
  }

  function show(person, language) {
    if (!person.name) return; // a site that asks nobody for a name
    const corner = made("details", "who");
    const card = made("div", "who__card");
    const out = made("button", "who__out", person.log_out);
    const letter = made("summary", "who__letter", Array.from(person.name)[0].toUpperCase());
    letter.title = person.name;
    card.append(made("strong", "who__name", person.name), made("span", "who__role", person.role));
    if (person.admin) {
      const admin = made("a", "who__admin", person.admin);
      admin.href = "/admin?lang=" + language;
      card.append(admin);
    }
    out.type = "button";
    out.addEventListener("click", () => {
      window.grid135.post("/logout").then(() => window.location.assign("/login?lang=" + language));
    });
    card.append(out);
    corner.append(letter, card);
    document.body.append(corner);
  }

  function start() {
    const { page } = document.documentElement.dataset;
    if (!page || page === "wall") return;
    const language = document.documentElement.lang.slice(0, 2);
    fetch("/session?lang=" + language, { cache: "no-store" })
      .then((answer) => (answer.ok ? answer.json() : {}))
      .then((person) => show(person, language), () => undefined);
  }

  start();
})();
