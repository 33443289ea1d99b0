// Copies addresses; where the browser does not allow that, the text field beside the button shows them.
"use strict";
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const field = button.parentElement.querySelector("textarea");
  try {
    await navigator.clipboard.writeText(field.value);
    const said = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = said; }, 2500);
  } catch {
    field.closest("details").open = true;
    field.select();
  }
});

// One box ticks all of a name; without scripts they are ticked one by one.
document.addEventListener("change", (event) => {
  const name = event.target.dataset.all;
  if (!name) return;
  event.target.form.querySelectorAll(`input[name="${name}"]`).forEach((each) => { each.checked = event.target.checked; });
});
