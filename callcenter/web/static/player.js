// <call-player>: one recording, customer above, agent below, drawn from the peaks that the worker kept. Works by mouse
// and by keyboard; without it the browser's own player stands in its place.
const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 600;
const HEIGHT = 36;
const SPEEDS = [0.75, 1, 1.25, 1.5, 2];
const STEPS = { ArrowLeft: -5, ArrowRight: 5, PageDown: -30, PageUp: 30 };
let count = 0;

function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function made(name, attributes = {}, ...inside) {
  const element = name === name.toLowerCase() && ["svg", "path", "clipPath", "rect", "line"].includes(name)
    ? document.createElementNS(SVG, name)
    : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...inside);
  return element;
}

// Both halves of the outline of one channel around its middle.
function outline(peaks, middle) {
  const step = WIDTH / Math.max(1, peaks.length);
  const reach = (level) => Math.max(0.4, (level / 255) * (HEIGHT / 2 - 2));
  const above = peaks.map((level, at) => `${(at * step).toFixed(1)},${(middle - reach(level)).toFixed(1)}`);
  const below = peaks.map((level, at) => `${(at * step).toFixed(1)},${(middle + reach(level)).toFixed(1)}`).reverse();
  return peaks.length ? `M${[...above, ...below].join("L")}Z` : "";
}

class CallPlayer extends HTMLElement {
  connectedCallback() {
    if (this.audio) return;
    this.audio = this.querySelector("audio");
    this.seconds = Number(this.getAttribute("seconds"));
    this.audio.controls = false;
    this.audio.hidden = true;
    this.button = made("button", { type: "button", class: "play" });
    this.place = made("span", { class: "place" });
    this.speed = made("select", { "aria-label": this.dataset.speed });
    for (const speed of SPEEDS) this.speed.append(new Option(`${speed}×`, speed, speed === 1, speed === 1));
    this.wave = this.draw();
    const names = made("span", { class: "sides", "aria-hidden": "true" },
      made("span", {}, this.dataset.customer), made("span", {}, this.dataset.agent));
    this.prepend(this.button, names, this.wave, this.place, this.speed);
    this.listen();
    this.show();
    this.load();
  }

  draw() {
    const clip = `played-${(count += 1)}`;
    this.played = made("rect", { x: 0, y: 0, width: 0, height: 2 * HEIGHT });
    this.paths = ["customer", "agent"].map((side) => made("path", { class: side }));
    this.heard = ["customer", "agent"].map((side) => made("path", { class: `${side} heard`, "clip-path": `url(#${clip})` }));
    this.cursor = made("line", { x1: 0, x2: 0, y1: 0, y2: 2 * HEIGHT, "vector-effect": "non-scaling-stroke" });
    const clipping = document.createElementNS(SVG, "clipPath");
    clipping.id = clip;
    clipping.append(this.played);
    return made("svg", {
      viewBox: `0 0 ${WIDTH} ${2 * HEIGHT}`, preserveAspectRatio: "none", role: "slider", tabindex: "0",
      "aria-label": this.dataset.place, "aria-valuemin": "0", "aria-valuemax": String(Math.round(this.seconds)),
    }, clipping, ...this.paths, ...this.heard, this.cursor);
  }

  listen() {
    this.button.addEventListener("click", () => this.toggle());
    this.speed.addEventListener("change", () => { this.audio.playbackRate = Number(this.speed.value); });
    this.wave.addEventListener("pointerdown", (event) => {
      this.follow(event);
      this.wave.setPointerCapture(event.pointerId);
    });
    this.wave.addEventListener("pointermove", (event) => event.buttons && this.follow(event));
    this.wave.addEventListener("keydown", (event) => this.key(event));
    for (const name of ["timeupdate", "seeked", "play", "ended"]) this.audio.addEventListener(name, () => this.show());
    this.audio.addEventListener("pause", () => {
      this.show();
      this.dispatchEvent(new FocusEvent("focusout", { bubbles: true })); // what waited to be shown may come now
    });
    this.audio.addEventListener("error", () => { this.place.textContent = this.dataset.broken; });
  }

  async load() {
    const answer = await fetch(this.getAttribute("peaks"), { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const { left, right } = await answer.json();
    [left, right].forEach((peaks, at) => {
      const shape = outline(peaks, HEIGHT * (at + 0.5));
      this.paths[at].setAttribute("d", shape);
      this.heard[at].setAttribute("d", shape);
    });
  }

  toggle() {
    if (!this.audio.paused) return this.audio.pause();
    for (const other of document.querySelectorAll("call-player")) if (other !== this) other.audio?.pause();
    return this.audio.play().catch(() => {});
  }

  seek(seconds) {
    this.audio.currentTime = Math.min(this.seconds, Math.max(0, seconds));
    this.show();
  }

  follow(event) {
    const box = this.wave.getBoundingClientRect();
    this.seek(((event.clientX - box.left) / box.width) * this.seconds);
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key in STEPS) this.seek(this.audio.currentTime + STEPS[event.key]);
    else if (event.key === "Home") this.seek(0);
    else if (event.key === "End") this.seek(this.seconds);
    else if (event.key === " " || event.key === "Enter") this.toggle();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  show() {
    const at = this.audio.currentTime;
    const x = this.seconds ? Math.min(1, at / this.seconds) * WIDTH : 0;
    this.played.setAttribute("width", x);
    this.cursor.setAttribute("x1", x);
    this.cursor.setAttribute("x2", x);
    this.toggleAttribute("playing", !this.audio.paused && !this.audio.ended);
    this.button.textContent = this.audio.paused ? "▶" : "❚❚";
    this.button.setAttribute("aria-label", this.audio.paused ? this.dataset.play : this.dataset.pause);
    this.place.textContent = `${clock(at)} / ${clock(this.seconds)}`;
    this.wave.setAttribute("aria-valuenow", Math.round(at));
    this.wave.setAttribute("aria-valuetext", this.place.textContent);
  }
}

customElements.define("call-player", CallPlayer);
