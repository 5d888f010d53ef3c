// Looks again, a few times, whether the applications were told of the logout. Without this script the link does the same.
"use strict";

const states = [...document.querySelectorAll("[data-farewell] dd")];
const pauses = [400, 800, 1600, 3200];
const look = async () => {
  const answer = await fetch("/signed-out", { headers: { Accept: "application/json" }, cache: "no-store" });
  const told = answer.ok ? await answer.json() : [];
  if (told.length !== states.length) return;
  told.forEach(({ state, text }, index) => {
    if (states[index].dataset.state === state) return;
    states[index].dataset.state = state;
    states[index].textContent = text;
  });
  if (told.some(({ state }) => state === "waiting" || state === "late")) next();
};
const next = () => {
  const pause = pauses.shift();
  if (pause) setTimeout(() => look().catch(() => {}), pause);
};
next();
