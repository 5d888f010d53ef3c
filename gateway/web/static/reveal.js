// Shows or hides what is typed in a password field. Without this script the button stays hidden.
"use strict";

for (const button of document.querySelectorAll("button[data-reveals]")) {
  const field = document.getElementById(button.dataset.reveals);
  const show = (visible) => {
    field.type = visible ? "text" : "password";
    button.textContent = visible ? button.dataset.hide : button.dataset.show;
    button.setAttribute("aria-pressed", String(visible));
  };
  button.hidden = false;
  button.addEventListener("click", () => show(field.type === "password"));
  // What is submitted was hidden: password managers and the browser's own memory rely on it.
  field.form.addEventListener("submit", () => show(false));
}
