// Which tab this is: a reload keeps the id, a duplicated tab gets its own.
export function random() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const tab = sessionStorage.getItem("tab") || random();
sessionStorage.removeItem("tab");
window.addEventListener("pagehide", () => sessionStorage.setItem("tab", tab));
