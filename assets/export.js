/* Taking the rows of the list away: a purpose first, then a file. */
(() => {
  "use strict";

  let menu = null;

  function part(name, attributes, children) {
    const made = Object.assign(document.createElement(name), attributes);
    made.append(...(children || []));
    return made;
  }

  function make(place) {
    const said = part("b", {});
    const reason = part("input", { id: "export-reason", required: true, minLength: 4,
                                   maxLength: 200, autocomplete: "off" });
    const button = (form) => part("button", { type: "submit", value: form, className: "seg" },
                                  [form.toUpperCase()]);
    const form = part("form", { className: "pick__menu export" }, [
      part("p", { className: "export__hint" }),
      part("label", {}, [part("span", {}), reason]),
      part("div", { className: "segs" }, [button("csv"), button("xlsx")]),
      part("p", { className: "export__said" }),
    ]);
    form.querySelector(".export__said").setAttribute("role", "status");
    form.addEventListener("submit", take);
    menu = part("details", { className: "pick pick--right" },
                [part("summary", {}, [said]), form]);
    place.appendChild(menu);
    menu.addEventListener("toggle", () => menu.open && reason.focus());
  }

  function say(text) {
    menu.querySelector(".export__said").textContent = text;
  }

  async function take(event) {
    event.preventDefault();
    const place = document.getElementById("cases-export").dataset;
    const form = event.submitter.value;
    const view = decodeURIComponent(window.location.pathname).slice(1) + window.location.search;
    say(place.working);
    const answer = await window.grid135.post("/export", {
      view: view, form: form, reason: document.getElementById("export-reason").value,
    }).catch(() => null);
    if (!answer || !answer.ok) return say(place.failed);
    const named = /filename="([^"]+)"/.exec(answer.headers.get("content-disposition") || "");
    const link = part("a", { href: URL.createObjectURL(await answer.blob()),
                             download: named ? named[1] : "grid135." + form });
    link.dataset.full = "file";
    link.click();
    window.setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    say("");
    menu.open = false;
  }

  function shown() {
    const place = document.getElementById("cases-export");
    if (!place || !place.dataset.label) return;
    if (!menu || !place.contains(menu)) make(place);
    menu.querySelector("summary b").textContent = place.dataset.label;
    menu.querySelector("label span").textContent = place.dataset.why;
    menu.querySelector(".export__hint").textContent = place.dataset.hint;
  }

  document.addEventListener("grid135:shown", shown);
})();
