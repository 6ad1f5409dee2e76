// <live-feed src after>: one EventSource; frames replace the parts of the page that they name. What a person types
// lies outside these parts. A lost connection shows a bar and heals by itself.
import { tab } from "./tab.js";
import { refreshTimes, setServerClock } from "./times.js";

const pause = { first: 1000, longest: 15000 };
let lostSince = null;

export function applyParts(parts) {
  for (const [name, html] of Object.entries(parts)) {
    for (const place of document.querySelectorAll(`[data-part="${CSS.escape(name)}"]`)) replace(place, html);
  }
}

// A field that has the focus is being typed into: its part waits until the focus leaves.
function busy(place) {
  const held = document.activeElement;
  if (place.querySelector("call-player[playing]")) return true; // what is being heard is not taken away
  return place.contains(held) && held.matches("input:not([type=hidden]), select, textarea");
}

document.addEventListener("focusout", (event) => {
  const place = event.target.closest?.("[data-part]");
  if (!place || place.waiting === undefined) return;
  setTimeout(() => {
    if (place.waiting === undefined || busy(place)) return;
    const html = place.waiting;
    delete place.waiting;
    replace(place, html);
  });
});

function replace(place, html) {
  if (place.live === html) return;
  if (busy(place)) {
    place.waiting = html;
    return;
  }
  delete place.waiting;
  place.live = html;
  const open = [...place.querySelectorAll("details[open][id]")].map((element) => element.id);
  const held = place.contains(document.activeElement) ? document.activeElement : null;
  const kept = held && selector(held);
  const marked = place.querySelector("tr.at a")?.getAttribute("href");
  const typed = new Map();
  for (const field of place.querySelectorAll("[data-keep]")) typed.set(`${field.form?.id} ${field.name}`, field.value);
  place.innerHTML = html;
  for (const field of place.querySelectorAll("[data-keep]")) {
    const value = typed.get(`${field.form?.id} ${field.name}`);
    if (value !== undefined) field.value = value;
  }
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (kept) place.querySelector(kept)?.focus();
  if (marked) place.querySelector(`a[href="${CSS.escape(marked)}"]`)?.closest("tr")?.classList.add("at");
  refreshTimes(place);
}

function selector(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  if (element.name) return `[name="${CSS.escape(element.name)}"]`;
  return element.matches("a[href]") ? `a[href="${CSS.escape(element.getAttribute("href"))}"]` : "";
}

// The page as it is now, without losing what is typed: its parts are taken from a fresh copy.
export async function refreshPage() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (answer.redirected && new URL(answer.url).pathname === "/sign-in") {
    showEnded();
    return null;
  }
  if (!answer.ok) throw new Error(String(answer.status));
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of fresh.querySelectorAll("[data-part]")) applyParts({ [part.dataset.part]: part.innerHTML });
  return fresh;
}

function bar() {
  return document.getElementById("lost");
}

function showLost() {
  lostSince ??= new Date();
  const place = bar();
  if (!place) return;
  place.textContent = place.dataset.text.replace("{time}", lostSince.toLocaleTimeString(document.documentElement.lang));
  place.hidden = false;
}

function showEnded() {
  const place = bar();
  if (!place) return;
  const link = document.createElement("a");
  link.href = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
  link.textContent = place.dataset.signIn;
  place.replaceChildren(`${place.dataset.ended} `, link);
  place.hidden = false;
}

function hideLost() {
  lostSince = null;
  if (bar()) bar().hidden = true;
}

class LiveFeed extends HTMLElement {
  connectedCallback() {
    this.wait = pause.first;
    this.after = this.getAttribute("after") ?? "";
    this.open();
  }

  disconnectedCallback() {
    this.close();
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  open() {
    const address = new URL(this.getAttribute("src"), location.href);
    if (this.after) address.searchParams.set("after", this.after);
    if (this.classList.contains("seat")) address.searchParams.set("tab", tab);
    this.source = new EventSource(address);
    this.source.onopen = () => {
      this.wait = pause.first;
      hideLost();
      this.dispatchEvent(new CustomEvent("live-open"));
    };
    this.source.onerror = () => this.failed();
    this.source.addEventListener("parts", (event) => this.parts(event));
    this.source.addEventListener("changed", (event) => this.changed(event));
    for (const name of ["elsewhere", "refused"]) this.source.addEventListener(name, (event) => this.pass(name, event));
  }

  parts(event) {
    this.after = event.lastEventId || this.after;
    const told = JSON.parse(event.data);
    if (told.now) setServerClock(told.now * 1000);
    if (told.parts) applyParts(told.parts);
    this.dispatchEvent(new CustomEvent("live-parts", { detail: told, bubbles: true }));
  }

  changed(event) {
    this.after = event.lastEventId || this.after;
    refreshPage().catch(showLost);
  }

  pass(name, event) {
    this.dispatchEvent(new CustomEvent(`live-${name}`, { detail: JSON.parse(event.data), bubbles: true }));
  }

  failed() {
    showLost();
    if (this.source?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    this.close();
    this.timer = setTimeout(() => this.heal(), this.wait);
    this.wait = Math.min(this.wait * 2, pause.longest);
  }

  // The events behind us are gone, or the server answers no stream: take the page anew and follow from there.
  async heal() {
    try {
      const fresh = await refreshPage();
      if (!fresh) return;
      this.after = fresh.querySelector(`live-feed[src="${CSS.escape(this.getAttribute("src"))}"]`)?.getAttribute("after") ?? "";
      if (this.isConnected) this.open();
    } catch {
      this.failed();
    }
  }
}

customElements.define("live-feed", LiveFeed);
