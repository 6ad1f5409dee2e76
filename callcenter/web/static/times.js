// Times: relative while near, timers that count; all by the server's clock, none decides anything.
const near = 36 * 3600;
let ahead = 0; // how far the server's clock is ahead of ours, in milliseconds

export function setServerClock(milliseconds) {
  ahead = milliseconds - Date.now();
}

export function serverNow() {
  return (Date.now() + ahead) / 1000;
}

function language() {
  return document.documentElement.lang || "en";
}

function distance(seconds) {
  const words = new Intl.RelativeTimeFormat(language(), { numeric: "always", style: "short" });
  const size = Math.abs(seconds);
  if (size < 90) return words.format(Math.round(seconds), "second");
  if (size < 90 * 60) return words.format(Math.round(seconds / 60), "minute");
  return words.format(Math.round(seconds / 3600), "hour");
}

export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

export function refreshTimes(root = document) {
  const now = serverNow();
  for (const element of root.querySelectorAll("time[data-relative]")) {
    const apart = Date.parse(element.dateTime) / 1000 - now;
    if (Math.abs(apart) < near) write(element, distance(apart));
  }
  for (const element of root.querySelectorAll("[data-since]")) write(element, duration(now - element.dataset.since));
  for (const element of root.querySelectorAll("[data-until]")) write(element, duration(element.dataset.until - now));
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function readServerClock() {
  const meta = document.querySelector('meta[name="server-now"]');
  if (meta) setServerClock(Number(meta.content));
  refreshTimes();
}

readServerClock();
document.addEventListener("turbo:load", readServerClock);
setInterval(refreshTimes, 1000);
