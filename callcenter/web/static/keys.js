// Alt and a letter, so that they work while typing and under an input method; holding Alt shows them.
function show(on) {
  document.documentElement.classList.toggle("show-keys", on);
}

function target(key) {
  return [...document.querySelectorAll("[data-key]")].find(
    (element) => element.dataset.key.toLowerCase() === key && !element.disabled && element.offsetParent !== null,
  );
}

function use(element) {
  if (element.matches("input, select, textarea")) element.focus();
  else element.click();
}

function typing(element) {
  return element.closest?.("input, textarea, select, [contenteditable]");
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Alt") return show(true);
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open]")) menu.removeAttribute("open");
    return;
  }
  if (event.ctrlKey || event.metaKey) return;
  // On some layouts Alt makes another character: the physical key counts.
  const key = event.altKey ? event.code.replace(/^(Key|Digit)/, "").toLowerCase() : event.key;
  if (!event.altKey && (key !== "/" || typing(event.target))) return;
  const found = target(key);
  if (!found) return;
  event.preventDefault();
  use(found);
});
document.addEventListener("keyup", (event) => event.key === "Alt" && show(false));
window.addEventListener("blur", () => show(false));

// Lists: j and k move, Enter opens.
document.addEventListener("keydown", (event) => {
  const list = document.querySelector("[data-list]");
  if (!list || typing(event.target) || event.altKey || event.ctrlKey || event.metaKey) return;
  const rows = [...list.querySelectorAll("[data-open]")];
  const at = rows.findIndex((row) => row.classList.contains("at"));
  if (event.key === "Enter" && at >= 0 && !event.target.closest("a, button")) {
    return rows[at].querySelector("a")?.click();
  }
  if (event.key !== "j" && event.key !== "k") return;
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + (event.key === "j" ? 1 : -1)))];
  rows[at]?.classList.remove("at");
  next?.classList.add("at");
  next?.querySelector("a")?.focus();
  next?.scrollIntoView({ block: "nearest" });
});
