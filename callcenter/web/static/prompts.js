// A prompt's text is heard as it would be spoken, before it is saved: [data-hear] plays its form's text and language.
function show() {
  for (const button of document.querySelectorAll("[data-hear]")) button.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-hear]");
  if (!button) return;
  const { text, language } = button.form.elements;
  if (!text.value.trim()) {
    text.focus();
    return;
  }
  const sound = button.form.querySelector("audio") ?? document.createElement("audio");
  sound.controls = true;
  sound.setAttribute("aria-label", button.dataset.hear);
  sound.src = `/prompts/trial?${new URLSearchParams({ language: language.value, text: text.value })}`;
  button.after(sound);
  sound.play().catch(() => {}); // the controls stay where the browser does not play by itself
});

document.addEventListener("turbo:load", show);
show();
