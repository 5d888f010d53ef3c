// Counts down the wait before another code may be asked. Without this script the button simply says so when it is too soon.
"use strict";

const button = document.querySelector("button[data-wait]");
if (button) {
  const told = document.getElementById(button.getAttribute("aria-describedby"));
  const until = performance.now() + Number(button.dataset.wait) * 1000;
  const tick = () => {
    const left = Math.ceil((until - performance.now()) / 1000);
    button.disabled = left > 0;
    told.textContent = left > 0 ? told.dataset.text.replace("#", String(left)) : "";
    if (left > 0) setTimeout(tick, 250);
  };
  tick();
}
