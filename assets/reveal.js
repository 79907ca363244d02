/* Asks for one masked value, with a reason; it stands in a dialogue for a while, nowhere else. */
(function () {
  "use strict";

  const SHOWN_S = 60;
  const PROBLEMS = { 400: "reveal.bad_reason", 429: "reveal.too_many" };

  let dialog = null;
  let ticking = 0;

  const say = (key, blanks) => window.grid135.clock.say(key, blanks || {});

  function made(tag, className, text) {
    const element = document.createElement(tag);
    element.className = className;
    if (text) element.textContent = text;
    return element;
  }

  function close() {
    window.clearInterval(ticking);
    if (dialog) dialog.remove();
    dialog = null;
  }

  function open(asked) {
    close();
    const { reveal, number, incident, mask } = asked.dataset;
    dialog = made("dialog", "reveal");
    const form = made("form", "reveal__form");
    const value = made("output", "reveal__value", mask);
    const reason = made("textarea", "reveal__reason");
    const label = made("label", "reveal__label", say("reveal.reason"));
    const problem = made("p", "reveal__problem");
    const show = made("button", "reveal__show", say("reveal.show"));
    const shut = made("button", "reveal__close", say("reveal.close"));
    const buttons = made("div", "reveal__buttons");
    reason.maxLength = 200;
    reason.rows = 2;
    problem.setAttribute("role", "alert");
    shut.type = "button";
    shut.addEventListener("click", close);
    label.append(reason);
    buttons.append(shut, show);
    form.append(
      made("h2", "", say("reveal.title", { what: say("reveal." + reveal) })),
      value, made("p", "reveal__note", say("reveal.note")), label, problem, buttons,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      show.disabled = true;
      ask({ incident: incident, what: reveal, number: number, reason: reason.value }).then(
        (said) => {
          problem.textContent = said.problem ? say(said.problem) : "";
          show.disabled = false;
          if (said.value) shown(value, label, show, said.value);
        },
      );
    });
    dialog.append(form);
    dialog.addEventListener("close", close);
    document.body.append(dialog);
    dialog.showModal();
    reason.focus();
  }

  async function ask(fields) {
    try {
      const answer = await window.grid135.post("/api/v1/reveal", fields);
      if (answer.ok) return { value: (await answer.json()).value };
      return { problem: PROBLEMS[answer.status] || "reveal.failed" };
    } catch (error) {
      return { problem: "reveal.failed" };
    }
  }

  function shown(value, label, show, text) {
    let left = SHOWN_S;
    const note = made("p", "reveal__note", say("reveal.hides", { seconds: left }));
    value.textContent = text;
    value.classList.add("is-shown");
    label.replaceWith(note);
    show.remove();
    ticking = window.setInterval(() => {
      left -= 1;
      note.textContent = say("reveal.hides", { seconds: left });
      if (left <= 0) close();
    }, 1000);
  }

  document.addEventListener("click", (event) => {
    const asked = event.target.closest?.("[data-reveal]");
    if (asked) open(asked);
  });
})();
