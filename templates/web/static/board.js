// Copies addresses; where the browser does not allow that, the text field beside the button shows them.
"use strict";
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    const said = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = said; }, 2500);
  } catch {
    const field = button.parentElement.querySelector("textarea");
    field.closest("details").open = true;
    field.select();
  }
});
