// Spares the reader reloads: fetches new mails and text messages, ticks the clock, copies codes. The page is whole without it.
"use strict";

const body = document.body;
const news = document.getElementById("news");
let version = body.dataset.version;
let counts = null;

function copyButtons(root) {
  for (const source of root.querySelectorAll("[data-code], [data-copy]")) {
    const value = source.dataset.code || source.dataset.copy;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy-button";
    button.textContent = "Copier";
    button.setAttribute("aria-label", `Copier ${value}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(value);
      button.textContent = "Copié";
      news.textContent = `${value} copié`;
      setTimeout(() => { button.textContent = "Copier"; }, 1500);
    });
    source.after(button);
  }
}

// Whoever was on a link keeps their place when the list around it is drawn again.
function replaceKeepingFocus(holder, html) {
  const active = holder.contains(document.activeElement) ? document.activeElement : null;
  const focused = active && (active.id ? `#${CSS.escape(active.id)}` : `a[href="${CSS.escape(active.getAttribute("href"))}"]`);
  const list = holder.querySelector(".mail-list");
  const scrolled = list ? list.scrollTop : 0;
  holder.innerHTML = html;
  copyButtons(holder);
  const drawnAgain = holder.querySelector(".mail-list");
  if (drawnAgain) drawnAgain.scrollTop = scrolled;
  if (focused) holder.querySelector(focused)?.focus({ preventScroll: true });
}

// The choice of a card and what is being typed outlive a drawing; a code field that appears is where the person types next.
let stationDrawn = null;
function drawStation(html) {
  const holder = document.getElementById("station");
  if (!holder || html === stationDrawn) return;
  const chosen = holder.querySelector("#card").value;
  const typed = holder.querySelector("#pad-code")?.value;
  if (stationDrawn !== null || html) replaceKeepingFocus(holder, html);
  stationDrawn = html;
  holder.querySelector("#card").value = chosen;
  const field = holder.querySelector("#pad-code");
  if (field && typed) field.value = typed;
  else if (field && typed === undefined) field.focus();
}

function announce(before, after) {
  if (!before) return;
  if (after.mails > before.mails) news.textContent = `Nouveau message : ${after.newest_subject}`;
  else if (after.approvals > before.approvals) news.textContent = "Pro Santé Connect attend votre réponse sur le téléphone";
  else if (after.pad_open && !before.pad_open) news.textContent = "Le lecteur de cartes attend votre code porteur";
  else if (after.sms > before.sms) news.textContent = "Nouveau SMS";
}

async function refresh() {
  if (document.hidden) return;
  const query = new URLSearchParams({ since: counts ? version : "", mail: body.dataset.mail || "" });
  let answer;
  try { answer = await fetch(`/fragments?${query}`); } catch { return; }
  if (answer.status !== 200) return;
  const fresh = await answer.json();
  if (fresh.version !== version) {
    replaceKeepingFocus(document.getElementById("mailbox"), fresh.mailbox);
    replaceKeepingFocus(document.getElementById("phone"), fresh.phone);
    drawStation(fresh.card);
    announce(counts, fresh);
  }
  document.getElementById("offset").textContent = fresh.offset;
  setClock(fresh.now, Date.now());
  version = fresh.version;
  counts = fresh;
}

let ahead = 0;
function setClock(now, loadedAt) {
  ahead = new Date(now).getTime() - loadedAt;
}

function tick() {
  const shown = document.getElementById("now");
  setClock(shown.dateTime, performance.timeOrigin);
  const format = new Intl.DateTimeFormat("fr-FR", { dateStyle: "full", timeStyle: "medium" });
  setInterval(() => { shown.textContent = format.format(new Date(Date.now() + ahead)).replace(" à ", ", "); }, 1000);
}

copyButtons(document);
document.getElementById("reload").hidden = true;
tick();
refresh();
setInterval(refresh, 1500);
document.addEventListener("visibilitychange", refresh);
