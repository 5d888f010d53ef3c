// Keeps a person's session alive while she really works in an application, and warns her before it ends (SES-03, SES-04).
//
// <script defer src="https://GATEWAY/session-watch-1.js" integrity="sha384-…" crossorigin="anonymous"
//         data-activity="/session/activity" data-signin="/sign-in"></script>
// or, without data-activity, from the application's own script:  SessionWatch.start({ activity, signin, onEnd, … })
//
// `activity`: an address of the application's own server, which asks the gateway with its token, or a function (method) that
// gives a Response; both say { session_idle_at, session_expires_at, now } or 401. POST: the person is here. GET: what is left.
// One request at most per event, never more than one POST a minute, and none is ever repeated by itself: when the network is
// away this waits for the person. No style in the page, no HTML made of text, nothing evaluated: any strict policy will do.
(() => {
  "use strict";

  const MINUTE = 60_000;
  const WARNING = 2 * MINUTE; // the gateway accepts no idle limit shorter than twice this
  const SAME = 5_000; // instants nearer than this are the same one, rounded and delayed otherwise
  const INPUTS = ["pointerdown", "keydown", "wheel", "touchstart"];
  const TEXTS = {
    fr: {
      title: "Votre session va se terminer",
      soon: "Sans action de votre part, elle se termine dans # minutes.",
      now: "Sans action de votre part, elle se termine dans moins d’une minute.",
      last: "Elle arrive à sa durée maximale dans # minutes et ne peut plus être prolongée. Enregistrez votre travail.",
      lastNow: "Elle arrive à sa durée maximale dans moins d’une minute. Enregistrez votre travail.",
      stay: "Rester connecté",
      understood: "J’ai compris",
      away: "Le service ne répond pas. Vérifiez votre connexion, puis réessayez.",
      over: "Votre session est terminée",
      kept: "Ce que vous avez saisi est encore sur cette page. Reconnectez-vous dans un autre onglet, puis revenez ici.",
      gone: "Reconnectez-vous pour continuer.",
      signin: "Se reconnecter (nouvel onglet)",
      close: "Fermer ce message",
    },
    en: {
      title: "Your session is about to end",
      soon: "Unless you act, it ends in # minutes.",
      now: "Unless you act, it ends in less than a minute.",
      last: "It reaches its longest duration in # minutes and cannot be extended. Save your work.",
      lastNow: "It reaches its longest duration in less than a minute. Save your work.",
      stay: "Stay signed in",
      understood: "I understand",
      away: "The service does not answer. Check your connection, then try again.",
      over: "Your session has ended",
      kept: "What you typed is still on this page. Sign in again in another tab, then come back here.",
      gone: "Sign in again to go on.",
      signin: "Sign in again (new tab)",
      close: "Close this message",
    },
  };
  const STYLE = `
    dialog { box-sizing: border-box; width: min(32rem, calc(100vw - 2rem)); max-height: calc(100vh - 2rem); overflow: auto;
      margin: auto; padding: 1.5rem; border: 3px solid #6b4a00; border-radius: .5rem; background: #fff; color: #1b1b1b;
      font: 1.125rem/1.5 system-ui, sans-serif; text-align: start; }
    dialog::backdrop { background: rgb(0 0 0 / .6); }
    h2 { margin: 0 0 .75rem; font-size: 1.375rem; line-height: 1.3; }
    h2::before { content: "⚠ " / ""; }
    p { margin: 0 0 1rem; }
    p:empty { display: none; }
    .away { font-weight: 700; border-inline-start: 4px solid #8f1d1d; padding-inline-start: .75rem; }
    .actions { display: flex; flex-wrap: wrap; gap: .75rem; }
    button, a { box-sizing: border-box; min-height: 2.75rem; padding: .5rem 1.25rem; border: 2px solid #123d7a; border-radius: .25rem;
      background: #123d7a; color: #fff; font: inherit; font-weight: 600; text-decoration: underline transparent; cursor: pointer; }
    button.second { background: #fff; color: #123d7a; }
    a { display: inline-flex; align-items: center; text-decoration-color: currentcolor; }
    button:hover, a:hover { text-decoration-color: currentcolor; text-decoration-thickness: 2px; }
    button:focus-visible, a:focus-visible { outline: 3px solid #1b1b1b; outline-offset: 3px; }
    @media (forced-colors: active) { dialog, button, a { border-color: CanvasText; } }
  `;

  class Watch {
    constructor(options) {
      this.options = options;
      this.activity = typeof options.activity === "function" ? options.activity : (method) => ask(options.activity, method);
      const language = (options.language || document.documentElement.lang || "fr").slice(0, 2).toLowerCase();
      this.texts = TEXTS[language] || TEXTS.fr;
      this.language = TEXTS[language] ? language : "fr";
      this.ended = this.stopped = false;
      this.shared = "BroadcastChannel" in window ? new BroadcastChannel("passerelle-session-watch") : null;
      if (this.shared) this.shared.onmessage = (message) => this.learn(message.data);
      this.onInput = (event) => { if (event.isTrusted) this.input(); };
      this.onReturn = () => { if (document.visibilityState === "visible") this.look(); };
      for (const name of INPUTS) addEventListener(name, this.onInput, { capture: true, passive: true });
      document.addEventListener("visibilitychange", this.onReturn);
      addEventListener("focus", this.onReturn);
      addEventListener("pageshow", this.onReturn);
      this.sentAt = Date.now();
      if (!this.learn(options.life)) this.look();
      else if (Date.now() >= this.warnAt) this.warn();
    }

    stop() {
      this.stopped = true;
      for (const name of INPUTS) removeEventListener(name, this.onInput, { capture: true });
      document.removeEventListener("visibilitychange", this.onReturn);
      removeEventListener("focus", this.onReturn);
      removeEventListener("pageshow", this.onReturn);
      clearTimeout(this.timer);
      clearTimeout(this.sending);
      if (this.shared) this.shared.close();
      this.hide();
    }

    // ── what is known ──

    /** Ends by this computer's clock, whatever that clock says. False for what is no answer of the gateway. */
    learn(life) {
      const numbers = life ? [life.session_idle_at, life.session_expires_at, life.now] : [];
      if (this.stopped || numbers.length !== 3 || !numbers.every(Number.isFinite)) return false;
      const [idle, last, now] = numbers;
      const here = Date.now();
      const idleAt = here + (Math.min(idle, last) - now) * 1000;
      if (this.ended || !(Math.abs(idleAt - this.idleAt) < SAME)) this.hide();
      this.ended = false; // signed in again elsewhere: what stands on this page goes on
      this.idleAt = idleAt;
      this.warnAt = idleAt - WARNING;
      this.isLast = idle >= last;
      this.wait();
      return true;
    }

    wait() {
      clearTimeout(this.timer);
      const here = Date.now();
      const next = here < this.warnAt && !this.dialog ? this.warnAt : here < this.idleAt - MINUTE ? this.idleAt - MINUTE : this.idleAt;
      this.timer = setTimeout(() => this.due(), Math.min(Math.max(next - here, 0), 2 ** 31 - 1));
    }

    async due() {
      const here = Date.now();
      if (here >= this.idleAt) return void (await this.look(true));
      if (this.dialog) { this.say(); return this.wait(); }
      if (here >= this.warnAt) return void (await this.look());
      this.wait();
    }

    /** One request, and what follows from its answer. `atEnd`: the time is up, by this computer's clock. */
    async look(atEnd = false) {
      const known = await this.request("GET");
      if (this.stopped || known === "busy" || known === "over") return;
      if (known === "away") {
        // Nobody answers: what is left is known all the same.
        if (this.idleAt === undefined) return;
        if (atEnd || Date.now() >= this.idleAt) return this.end(false);
      }
      if (Date.now() >= this.warnAt && !this.ended) this.warn();
      if (!this.ended) this.wait();
    }

    // ── what the person does ──

    input() {
      if (this.ended || this.dialog || this.idleAt === undefined) return;
      const left = this.sentAt + MINUTE - Date.now();
      if (left <= 0) {
        clearTimeout(this.sending); // late, when the computer slept
        this.sending = undefined;
        return void this.use();
      }
      // What is typed within the minute is told once, at its end.
      if (!this.sending) this.sending = setTimeout(() => { this.sending = undefined; if (!this.ended && !this.dialog) this.use(); }, left);
    }

    async use() {
      this.sentAt = Date.now();
      const done = await this.request("POST");
      if (done === "away" && !this.stopped) this.wait();
      return done;
    }

    async extend() {
      const done = await this.use();
      if (done === "away" && this.dialog) this.dialog.away.textContent = this.texts.away;
    }

    /** One at a time: looking twice at once tells nothing new, and use waits for its turn. */
    async request(method) {
      if (this.asking && method === "GET") return "busy";
      while (this.asking) await this.asking;
      this.asking = this.asked(method);
      try {
        return await this.asking;
      } finally {
        this.asking = undefined;
      }
    }

    async asked(method) {
      try {
        const answer = await this.activity(method);
        if (answer.status === 401) { this.end(true); return "over"; }
        const life = answer.ok ? await answer.json() : null;
        if (!this.learn(life)) return "away";
        if (this.shared) this.shared.postMessage(life);
        return "known";
      } catch {
        return "away";
      }
    }

    /** `confirmed`: the gateway said so; otherwise only the clock did. */
    end(confirmed) {
      if (this.ended || this.stopped) return;
      this.ended = true;
      clearTimeout(this.timer);
      clearTimeout(this.sending);
      this.sending = undefined;
      this.hide();
      const event = new CustomEvent("session-ended", { detail: { confirmed }, cancelable: true });
      if (this.options.onEnd) this.options.onEnd({ confirmed });
      else if (document.dispatchEvent(event)) this.over();
    }

    // ── what is shown ──

    warn() {
      if (this.dialog || Math.abs(this.idleAt - this.understood) < SAME) return;
      const { stay, understood, title } = this.texts;
      const button = element("button", this.isLast ? understood : stay, { type: "button" });
      button.addEventListener("click", () => (this.isLast ? this.dismiss() : this.extend()));
      this.show(title, [button]);
      // Escape is a gesture of somebody who is there.
      this.dialog.addEventListener("cancel", (event) => { event.preventDefault(); button.click(); });
      this.say();
    }

    /** Said once; nothing can be done but what the person does on the page. */
    dismiss() {
      this.understood = this.idleAt;
      this.hide();
      this.wait();
    }

    say() {
      if (!this.dialog) return;
      const minutes = Math.round((this.idleAt - Date.now()) / MINUTE);
      const { soon, now, last, lastNow } = this.texts;
      const text = minutes > 1 ? (this.isLast ? last : soon) : this.isLast ? lastNow : now;
      this.dialog.told.textContent = text.replace("#", String(minutes));
    }

    over() {
      const { signin } = this.options;
      const actions = [];
      if (signin) actions.push(element("a", this.texts.signin, { href: signin, target: "_blank", rel: "noopener" }));
      const close = element("button", this.texts.close, { type: "button", class: "second" });
      close.addEventListener("click", () => this.hide());
      this.show(this.texts.over, [...actions, close]);
      this.dialog.told.textContent = signin ? this.texts.kept : this.texts.gone;
    }

    show(title, actions) {
      this.hide();
      this.host = document.createElement("div");
      this.host.lang = this.language;
      const root = this.host.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
      const dialog = element("dialog", "", { role: "alertdialog", "aria-labelledby": "title", "aria-describedby": "told" });
      dialog.told = element("p", "", { id: "told", "aria-live": "polite" });
      dialog.away = element("p", "", { class: "away", role: "alert" });
      const row = element("div", "", { class: "actions" });
      row.append(...actions);
      dialog.append(element("h2", title, { id: "title" }), dialog.told, dialog.away, row);
      root.append(dialog);
      document.body.append(this.host);
      this.dialog = dialog;
      this.title = document.title;
      document.title = `${title} – ${this.title}`;
      dialog.showModal();
      actions[0].focus();
    }

    hide() {
      if (!this.dialog) return;
      this.dialog.close(); // the focus goes back to where it was
      this.host.remove();
      document.title = this.title;
      this.dialog = this.host = undefined;
    }
  }

  function element(name, text, attributes) {
    const made = document.createElement(name);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  function ask(address, method) {
    return fetch(address, { method, credentials: "same-origin", cache: "no-store", redirect: "error" });
  }

  const script = document.currentScript;
  window.SessionWatch = Object.freeze({ start: (options) => new Watch(options) });
  if (script && script.dataset.activity) {
    const { activity, signin, language } = script.dataset;
    window.SessionWatch.start({ activity, signin, language });
  }
})();
