/* Says something: notes, pins, hand-overs. What came of it comes back by the stream. */
(function () {
  "use strict";

  const SILENT = new Set(["pinned", "unpinned", "taken_over"]);
  const LONGEST = 2000;
  const say = (key, blanks) => window.grid135.clock.say(key, blanks || {});

  function made(tag, className, text) {
    const element = document.createElement(tag);
    element.className = className;
    if (text) element.textContent = text;
    return element;
  }

  function shown(dialog) {
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }

  function closing(dialog) {
    const button = made("button", "", say("remark.close"));
    button.type = "button";
    button.addEventListener("click", () => dialog.close());
    return button;
  }

  async function send(fields) {
    try {
      const answer = await window.grid135.post("/api/v1/remarks", fields);
      return answer.ok ? "" : (await answer.json()).error;
    } catch (error) {
      return say("remark.failed");
    }
  }

  function fieldsOf(button) {
    const { remark, incident, shift } = button.dataset;
    return { act: remark, incident: incident || "", shift: shift || "" };
  }

  async function saySilently(button) {
    button.disabled = true;
    const problem = await send(fieldsOf(button));
    button.disabled = false;
    if (problem) told(problem);
  }

  function told(problem) {
    const dialog = made("dialog", "remark-box");
    dialog.append(made("p", "remark-box__problem", problem), closing(dialog));
    shown(dialog);
  }

  function write(button) {
    const dialog = made("dialog", "remark-box");
    const form = made("form", "remark-box__form");
    const label = made("label", "", say("remark.label_" + button.dataset.remark));
    const text = made("textarea", "");
    const problem = made("p", "remark-box__problem");
    const buttons = made("div", "remark-box__buttons");
    const save = made("button", "is-main", say("remark.save"));
    text.maxLength = LONGEST;
    text.rows = 5;
    problem.setAttribute("role", "alert");
    label.append(text);
    buttons.append(closing(dialog), save);
    form.append(label, made("p", "remark-box__hint", say("remark.masked")), problem, buttons);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      save.disabled = true;
      problem.textContent = await send({ ...fieldsOf(button), text: text.value });
      save.disabled = false;
      if (!problem.textContent) dialog.close();
    });
    dialog.append(form);
    shown(dialog);
    text.focus();
  }

  async function trail(button) {
    const dialog = made("dialog", "remark-box");
    const list = made("ul", "remark-box__trail");
    dialog.append(made("h2", "", say("remark.trail")), list, closing(dialog));
    shown(dialog);
    const query = new URLSearchParams({ incident: button.dataset.trail });
    const answer = await fetch("/api/v1/trail?" + query, { cache: "no-store" }).catch(() => null);
    if (!answer || !answer.ok) return list.append(made("li", "", say("remark.failed")));
    for (const line of await answer.json()) {
      const row = made("li", "");
      const at = new Date(line.at).toLocaleString("sv-SE");
      row.append(made("time", "", at), made("b", "", line.who));
      row.append(made("span", "", say("act." + line.act)));
      list.append(row);
    }
    if (!list.children.length) list.append(made("li", "", say("remark.no_trail")));
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-remark], [data-trail], [data-print]");
    if (!button) return;
    if (button.dataset.print) window.print();
    else if (button.dataset.trail) trail(button);
    else if (SILENT.has(button.dataset.remark)) saySilently(button);
    else write(button);
  });
})();
