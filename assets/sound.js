/* Makes new incidents heard: each once, in tones made here. Off unless the server says otherwise.
 *
 * Which are heard, and how, stands in #endurance-state. Ids are remembered for as long as the tab
 * lives, so that a new connection or a new page repeats nothing.
 */
(function () {
  "use strict";

  const HEARD = "grid135.heard";
  const MUTED = "grid135.muted";
  const MOST_HEARD = 200;
  const SHOWN_MS = 4000;
  const APART_S = 0.4; // between the tones of incidents that come together
  const MOST_AT_ONCE = 3;
  // Notes of a tone: when it begins and how long it sounds in seconds, and its pitch in hertz.
  const NOTES = {
    urgent: [0, 0.75].flatMap((at) =>
      [[at, 0.16, 659], [at + 0.18, 0.16, 784], [at + 0.36, 0.28, 988]]),
    calm: [[0, 0.3, 659], [0.28, 0.5, 523]],
  };
  const { clock } = window.grid135;

  let audio = null;
  let freeAt = 0;
  let hide = 0;
  let heard = read();

  /** The ids heard so far; null on a screen that has never listened: what it finds is not new. */
  function read() {
    try {
      return JSON.parse(window.sessionStorage.getItem(HEARD));
    } catch (_) {
      return null;
    }
  }

  function orders() {
    const element = document.querySelector("#endurance-state > div");
    return element ? element.dataset : {};
  }

  function isMuted() {
    return window.localStorage.getItem(MUTED) === "yes";
  }

  function isOn() {
    return orders().sound === "on";
  }

  function isBlocked() {
    return Boolean(audio) && audio.state === "suspended";
  }

  function note(at, seconds, hertz, volume) {
    const oscillator = audio.createOscillator();
    const gain = audio.createGain();
    oscillator.frequency.value = hertz;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(volume, at + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, at + seconds);
    oscillator.connect(gain).connect(audio.destination);
    oscillator.start(at);
    oscillator.stop(at + seconds);
    oscillator.onended = () => gain.disconnect();
  }

  function play(tone, volume) {
    const begin = Math.max(audio.currentTime, freeAt);
    const notes = NOTES[tone] || NOTES.calm;
    notes.forEach(([at, seconds, hertz]) => note(begin + at, seconds, hertz, volume));
    const [at, seconds] = notes[notes.length - 1];
    freeAt = begin + at + seconds + APART_S;
  }

  function listen() {
    if (!isOn()) return show();
    audio = audio || new AudioContext();
    audio.onstatechange = show;
    const chimes = JSON.parse(orders().chimes || "[]");
    const known = new Set(heard || chimes.map(([id]) => id));
    const fresh = chimes.filter(([id]) => !known.has(id));
    if (!heard || fresh.length) {
      fresh.forEach(([id]) => known.add(id));
      heard = [...known].slice(-MOST_HEARD);
      window.sessionStorage.setItem(HEARD, JSON.stringify(heard));
    }
    if (!isMuted() && !isBlocked()) {
      fresh.slice(0, MOST_AT_ONCE).forEach(([, tone]) => play(tone, Number(orders().volume)));
    }
    show();
  }

  function state() {
    if (!isOn()) return "off";
    if (isMuted()) return "muted";
    return isBlocked() ? "blocked" : "on";
  }

  /** A button that is there while there is something to say, or a hand near. */
  function show() {
    const place = document.getElementById("sound");
    if (!place) return;
    const now = state();
    if (now === "off") return place.replaceChildren();
    const button = place.firstElementChild || place.appendChild(make());
    const text = clock.say("sound." + now, {});
    if (button.textContent !== text) button.textContent = text;
    button.className = "sound sound--" + now;
  }

  function make() {
    const button = document.createElement("button");
    button.type = "button";
    button.addEventListener("click", press);
    return button;
  }

  function toggle() {
    if (isOn()) window.localStorage.setItem(MUTED, isMuted() ? "no" : "yes");
    show();
  }

  /** A press on the button while the sound is blocked lets it through, and no more. */
  function press() {
    if (state() !== "blocked") toggle();
  }

  function allow() {
    if (isBlocked()) audio.resume().then(show, show);
  }

  function wave() {
    document.body.classList.add("is-touched");
    window.clearTimeout(hide);
    hide = window.setTimeout(() => document.body.classList.remove("is-touched"), SHOWN_MS);
  }

  document.addEventListener("grid135:shown", listen);
  document.addEventListener("keydown", (event) => {
    const types = event.target.closest("input, textarea, select");
    if ((event.key === "m" || event.key === "M") && !types && !event.ctrlKey) toggle();
    allow();
  });
  document.addEventListener("click", allow);
  document.addEventListener("pointermove", (event) => {
    if (event.movementX || event.movementY) wave();
  });
  window.grid135.sound = { state: state };
})();
