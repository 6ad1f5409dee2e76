// Forms marked data-quiet act without a page change: the result comes back by the live connection.
import { refreshPage } from "./live.js";

export function pageToken() {
  return document.querySelector('meta[name="page-token"]')?.content ?? "";
}

export function say(text, bad = false) {
  const box = document.getElementById("said");
  if (!box || !text) return;
  const line = document.createElement("p");
  line.textContent = text;
  if (bad) line.className = "bad";
  box.append(line);
  setTimeout(() => line.remove(), bad ? 12000 : 4000);
}

export async function send(address, fields, method = "POST") {
  const answer = await fetch(address, {
    method,
    headers: { Accept: "application/json", "Content-Type": "application/json", "X-Page-Token": pageToken() },
    body: JSON.stringify(fields),
  });
  const told = await answer.json().catch(() => ({}));
  if (answer.ok) return told;
  const wrong = Object.entries(told.fields ?? {}).map(([name, text]) => `${name}: ${text}`);
  throw new Error([told.detail ?? answer.statusText, ...wrong].join(" "));
}

export function fieldsOf(form, submitter) {
  const fields = Object.fromEntries(new FormData(form));
  if (submitter?.name) fields[submitter.name] = submitter.value;
  delete fields.page_token;
  return fields;
}

// A form that carries the version it was made from shows what is kept now; else its second save would be stale.
function showSaved(form, fresh) {
  if (!fresh || !form.isConnected || !form.elements.namedItem("version")) return;
  const same = fresh.querySelector(`form[action="${CSS.escape(form.getAttribute("action"))}"]`);
  if (same) form.innerHTML = same.innerHTML;
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-quiet]") || event.defaultPrevented) return;
  event.preventDefault();
  if (form.dataset.busy) return; // a double click acts once
  form.dataset.busy = "1";
  form.closest("details.menu")?.removeAttribute("open");
  try {
    await send(event.submitter?.getAttribute("formaction") ?? form.getAttribute("action"), fieldsOf(form, event.submitter));
    if (form.dataset.quiet === "refresh") {
      form.reset();
      document.activeElement?.blur();
      showSaved(form, await refreshPage());
    }
    say(form.dataset.said);
  } catch (error) {
    say(error.message, true);
    if (form.dataset.quiet === "refresh") refreshPage().catch(() => {});
  } finally {
    delete form.dataset.busy;
  }
});

// One menu at a time; a click elsewhere or Escape closes it.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.removeAttribute("open");
  }
});
