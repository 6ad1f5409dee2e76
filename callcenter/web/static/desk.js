// The agent's desk: what is being typed stays whatever rings; sound, notice and title tell of a call; one tab has the seat.
import { say, send } from "./forms.js";
import { random, tab } from "./tab.js";

const known = { call: "", offer: "" };
const draftKey = (call) => `draft:${call || "none"}`;

function form() {
  return document.getElementById("complaint");
}

function popNow() {
  return document.querySelector("section.pop[data-call]");
}

// ---- The complaint that is being written -----------------------------------------------------------------------

const own = ["kind", "type", "region", "severity", "what_happened", "wants", "promise", "promise_due"];
const bound = ["call_id", "customer_id", "contact_number", "token"];

function values(names) {
  return Object.fromEntries(names.map((name) => [name, form().elements[name].value]));
}

function written() {
  const now = values(own);
  return Boolean(now.type || now.what_happened.trim() || now.wants.trim() || now.promise.trim());
}

function keep() {
  if (!form()) return;
  const call = form().elements.call_id.value;
  if (!written()) return localStorage.removeItem(draftKey(call));
  const draft = { ...values(own), ...values(bound), name: form().dataset.name ?? "", at: Date.now() };
  localStorage.setItem(draftKey(call), JSON.stringify(draft));
}

function fill(fields) {
  for (const [name, value] of Object.entries(fields)) {
    if (form().elements[name]) form().elements[name].value = value;
  }
}

// Bind the empty form to the call that rings, or bring back what was written for it.
function adopt(pop) {
  const call = pop?.dataset.call ?? "";
  const draft = JSON.parse(localStorage.getItem(draftKey(call)) ?? "null");
  form().reset();
  fill({ type: "", what_happened: "", wants: "", promise: "", promise_due: "", severity: "3", kind: "complaint" });
  fill({ call_id: call, customer_id: "", contact_number: "", region: "" });
  form().dataset.name = pop?.dataset.name ?? draft?.name ?? "";
  if (pop) bind(pop, true);
  if (draft) fill(draft);
  about();
}

// Facts of the call that nobody types: they follow the pop as long as the form is this call's.
function bind(pop, fresh) {
  const fields = form().elements;
  fields.customer_id.value = pop.dataset.customer;
  fields.contact_number.value = pop.dataset.number;
  form().dataset.name = pop.dataset.name;
  if (fresh) fields.token.value = pop.dataset.token;
  if (fresh || !fields.region.value) fields.region.value = pop.dataset.region;
}

function about() {
  const place = document.getElementById("complaint-for");
  const button = document.getElementById("complaint-switch");
  const call = form().elements.call_id.value;
  const pop = popNow();
  const other = Boolean(pop && pop.dataset.call !== call);
  const name = form().dataset.name ?? "";
  place.textContent = name ? (other ? place.dataset.other : place.dataset.for).replace("%(name)s", name) : "";
  button.hidden = !other;
  drafts(call);
}

function drafts(current) {
  const place = document.getElementById("complaint-drafts");
  place.replaceChildren();
  for (const key of Object.keys(localStorage).filter((one) => one.startsWith("draft:"))) {
    const draft = JSON.parse(localStorage.getItem(key));
    if (key === draftKey(current)) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = place.dataset.label.replace("%(name)s", draft.name || draft.contact_number || "–");
    button.addEventListener("click", () => {
      keep();
      adopt({ dataset: { call: draft.call_id, customer: draft.customer_id, number: draft.contact_number, region: draft.region, name: draft.name, token: draft.token } });
    });
    place.append(" ", button);
  }
}

function followCall() {
  if (!form()) return;
  const pop = popNow();
  const mine = form().elements.call_id.value;
  if (pop && pop.dataset.call === mine) bind(pop, false);
  else if (pop && !written()) return adopt(pop);
  about();
}

document.addEventListener("input", (event) => event.target.form === form() && keep());

document.addEventListener("submit", async (event) => {
  if (event.target !== form()) return;
  event.preventDefault();
  const place = document.getElementById("logged");
  if (form().dataset.busy) return; // a double click logs one complaint
  form().dataset.busy = "1";
  try {
    const fields = { ...values(own), ...values(bound) };
    const ticket = await send("/tickets", fields);
    localStorage.removeItem(draftKey(fields.call_id));
    const link = document.createElement("a");
    link.href = `/tickets/${ticket.id}`;
    link.textContent = place.dataset.text.replace("%(number)s", ticket.number);
    place.replaceChildren(link);
    sessionStorage.setItem("logged", fields.call_id);
    proposeDisposition();
    form().elements.call_id.value = "";
    adopt(popNow());
    form().elements.token.value = random(); // one more complaint in this call is another one
  } catch (error) {
    keep();
    say(error.message, true);
  } finally {
    delete form().dataset.busy;
  }
}, true);

document.addEventListener("click", (event) => {
  if (event.target.id !== "complaint-switch") return;
  keep();
  adopt(popNow());
});

// ---- Wrap-up ------------------------------------------------------------------------------------------------------

function followWrapUp() {
  const bar = document.getElementById("wrap-bar");
  if (!bar) return;
  const call = bar.querySelector("[data-wrap-call]")?.dataset.wrapCall ?? "";
  bar.hidden = !call;
  document.getElementById("more-time").hidden = !bar.querySelector("[data-may-extend]");
  const wrap = document.getElementById("wrap");
  if (!call || wrap.dataset.call === call) return;
  if (wrap.dataset.call !== undefined) wrap.elements.note.value = "";
  wrap.dataset.call = call;
  wrap.action = `/calls/${encodeURIComponent(call)}/wrap-up`;
  proposeDisposition();
}

// A complaint was logged in the call that is wrapped up: the likely summary is chosen already.
function proposeDisposition() {
  const wrap = document.getElementById("wrap");
  const call = wrap?.dataset.call ?? known.call;
  if (wrap && call && sessionStorage.getItem("logged") === call) wrap.elements.disposition.value = "complaint_logged";
}

// ---- To whom a call can go ------------------------------------------------------------------------------------------

let listing = 0;

function followGive() {
  const place = document.getElementById("give");
  if (!place) return;
  const given = document.querySelector("[data-part] [data-give]");
  const call = given?.dataset.give ?? "";
  place.hidden = !call;
  place.querySelector("[value=release]").hidden = !given?.hasAttribute("data-release");
  if (call) {
    for (const button of place.querySelectorAll("[data-noun]")) {
      button.setAttribute("formaction", `/calls/${encodeURIComponent(call)}/${button.dataset.noun}`);
    }
  } else if (place.open) {
    place.open = false;
    place.querySelector("form").reset();
  }
}

function target(name, about, free = true) {
  const row = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.to = name;
  button.textContent = name;
  if (!free) button.className = "quiet";
  const note = document.createElement("span");
  note.className = "quiet";
  note.textContent = ` ${about}`;
  row.append(button, note);
  return row;
}

async function listTargets(place) {
  const list = place.querySelector(".targets");
  const answer = await fetch("/desk/targets", { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const found = await answer.json();
  const waits = (queue) => list.dataset.waiting.replace("%(number)s", queue.waiting);
  const rows = [
    ...found.agents.map((one) => target(one.display, one.state, one.free)),
    ...found.queues.map((one) => target(one.label, waits(one))),
  ];
  const held = list.contains(document.activeElement) ? document.activeElement.dataset.to : null;
  list.replaceChildren(...rows);
  if (!found.agents.length) list.prepend(list.dataset.nobody);
  if (held) [...list.querySelectorAll("button")].find((one) => one.dataset.to === held)?.focus();
}

document.addEventListener("toggle", (event) => {
  if (event.target.id !== "give") return;
  clearInterval(listing);
  if (!event.target.open) return;
  const list = () => listTargets(event.target).catch(() => {});
  list();
  listing = setInterval(list, 3000);
  event.target.querySelector("input[name=to]").focus();
}, true);

document.addEventListener("click", (event) => {
  const chosen = event.target.closest?.(".targets [data-to]");
  if (!chosen) return;
  const form = document.querySelector("#give form");
  form.elements.to.value = chosen.dataset.to;
  form.querySelector("[data-noun]").focus();
});

// ---- Telling ------------------------------------------------------------------------------------------------------

let pageTitle = document.title;
let sound = null;

function followTitle() {
  const place = document.querySelector("[data-part] [data-title]");
  document.title = place?.dataset.title || pageTitle;
  const offer = place?.dataset.offer ?? "";
  if (offer && offer !== known.offer) ring(place.dataset.title);
  known.offer = offer;
  const call = place?.dataset.callNow ?? "";
  if (call && call !== known.call) document.getElementById("logged")?.replaceChildren();
  known.call = call || known.call;
}

function ring(text) {
  try {
    sound ??= new AudioContext();
    for (const [at, pitch] of [[0, 660], [0.22, 880]]) {
      const tone = new OscillatorNode(sound, { frequency: pitch });
      const loud = new GainNode(sound, { gain: 0.12 });
      tone.connect(loud).connect(sound.destination);
      tone.start(sound.currentTime + at);
      tone.stop(sound.currentTime + at + 0.18);
    }
  } catch {
    // A page that nobody has touched yet may not sound.
  }
  if ("Notification" in window && Notification.permission === "granted" && !document.hasFocus()) {
    const notice = new Notification(text, { tag: "call", icon: "/static/icon.svg" });
    notice.onclick = () => window.focus();
    setTimeout(() => notice.close(), 15000);
  }
}

function askForNotices() {
  const place = document.getElementById("ask-notices");
  if (!place || !("Notification" in window) || !window.isSecureContext) return;
  place.hidden = Notification.permission !== "default" || Boolean(localStorage.getItem("notices-asked"));
}

document.addEventListener("click", async (event) => {
  if (event.target.parentElement?.id !== "ask-notices") return;
  localStorage.setItem("notices-asked", "1");
  event.target.parentElement.hidden = true;
  if (event.target.value === "yes") await Notification.requestPermission();
});

// ---- The seat: which tab is the desk ------------------------------------------------------------------------------

let elsewhere = null; // the feed that another tab took the seat from

// The strip of another page asks again when somebody looks at it.
document.addEventListener("visibilitychange", () => {
  if (document.hidden || !elsewhere?.isConnected || document.getElementById("elsewhere")) return;
  elsewhere.open();
  elsewhere = null;
});

document.addEventListener("live-elsewhere", (event) => {
  event.target.close();
  elsewhere = event.target;
  const place = document.getElementById("elsewhere");
  if (place) place.hidden = false;
});

document.addEventListener("click", async (event) => {
  const place = document.getElementById("elsewhere");
  if (!place?.contains(event.target) || event.target.tagName !== "BUTTON") return;
  try {
    await send("/desk/seat", { tab }, "PUT");
    place.hidden = true;
    const feed = document.querySelector("live-feed.seat");
    feed.after = "";
    feed.open();
  } catch (error) {
    say(error.message, true);
  }
});

document.addEventListener("live-refused", (event) => say(event.detail.detail, true));

function follow() {
  followTitle();
  followCall();
  followWrapUp();
  followGive();
}

document.addEventListener("live-parts", follow);

function start() {
  pageTitle = document.title;
  if (!document.querySelector("live-feed.seat")) return;
  const place = document.querySelector("[data-part] [data-offer]");
  known.offer = place?.dataset.offer ?? "";
  if (form()) {
    const pop = popNow();
    if (pop) adopt(pop);
    else adopt(null);
    askForNotices();
  }
  follow();
}

start();
document.addEventListener("turbo:load", start);
