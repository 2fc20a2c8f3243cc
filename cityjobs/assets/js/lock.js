// The screen locks after 30 minutes without anybody. What is typed stays in the page, hidden; the password brings it back.
// Tabs agree through two instants kept in localStorage: the last gesture, and the last answer of the server. Nothing else is kept there.
(() => {
  "use strict";
  const dialog = document.getElementById("lock");
  house.afterUnlock = async () => true;
  if (!dialog) return;
  const MINUTE = 60000;
  const idle = Number(dialog.dataset.idle || 30) * MINUTE;
  const warning = 2 * MINUTE;
  const form = dialog.querySelector("form");
  const password = form.elements.password;
  const refusal = dialog.querySelector("[data-lock-refusal]");
  const title = document.title;
  let reminder = null;
  let waiting = [];
  let locked = false;
  let here = Date.now();
  let server = Date.now();

  const read = (key) => { try { return Number(localStorage.getItem(key)) || 0; } catch { return 0; } };
  const write = (key, instant) => { try { localStorage.setItem(key, String(instant)); } catch { /* private window: this tab alone */ } };
  const lastGesture = () => Math.max(here, read("cityjobs.gesture"));
  const lastAnswer = () => Math.max(server, read("cityjobs.answer"));
  const answered = () => { server = Date.now(); write("cityjobs.answer", server); };

  const unwarn = () => { reminder?.remove(); reminder = null; };
  const warn = () => {
    if (reminder) return;
    reminder = house.say?.("Sans geste de votre part, l’écran se verrouille dans 2 minutes. Ce que vous avez écrit sera conservé.", "due");
    if (!reminder) return;
    const stay = house.make("button", { type: "button", class: "btn btn-sm btn-plain" }, "Je suis là");
    stay.addEventListener("click", () => { touch(true); });
    reminder.append(house.make("div", { class: "do" }, stay));
  };

  const lock = () => {
    if (dialog.open) return;
    locked = true;
    unwarn();
    for (const other of document.querySelectorAll("dialog[open]")) other.close();
    document.title = "Verrouillé – CityJobs";
    dialog.showModal();
    password.value = "";
    refusal.hidden = true;
    password.focus();
  };

  const unlock = () => {
    locked = false;
    here = Date.now();
    write("cityjobs.gesture", here);
    answered();
    document.title = title;
    password.value = "";
    if (dialog.open) dialog.close();
    const ready = waiting;
    waiting = [];
    for (const go of ready) go(true);
  };

  // Ask the server whether it still knows us; its clock is its own.
  const ask = async () => {
    try {
      const answer = await house.send("/verrou");
      return !(answer.status === 401);
    } catch { return true; }
  };

  let written = 0;
  let asked = 0;
  const touch = (sure = false) => {
    if (dialog.open) return;
    const now = Date.now();
    if (!sure && now - lastGesture() >= idle) { lock(); return; }
    here = now;
    if (sure || now - written > 15000) { written = now; write("cityjobs.gesture", now); }
    unwarn();
    // Somebody types and sends nothing: tell the server that we are here, a second later so that a form being sent goes first.
    if (now - lastAnswer() > 8 * MINUTE && now - asked > MINUTE) { asked = now; setTimeout(() => { if (!dialog.open && Date.now() - lastAnswer() > 8 * MINUTE) ask(); }, 1000); }
  };

  const look = () => {
    const still = Date.now() - lastGesture();
    if (still >= idle) lock();
    else if (dialog.open) return;
    else if (still >= idle - warning) warn();
    else unwarn();
  };

  for (const gesture of ["pointerdown", "keydown", "wheel", "touchstart"]) document.addEventListener(gesture, () => touch(), { passive: true, capture: true });
  window.addEventListener("pageshow", look);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  window.addEventListener("storage", (event) => {
    if (event.key === "cityjobs.unlock" && dialog.open) unlock();
    else if (event.key === "cityjobs.gesture" && !dialog.open) unwarn();
  });
  write("cityjobs.gesture", here);
  answered();
  setInterval(look, 5000);

  document.addEventListener("house:answer", (event) => {
    if (event.detail.locked) lock();
    else if (event.detail.status < 400) answered();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.xhr.status === 401 && event.detail.xhr.getResponseHeader("X-Lock") === "1") { event.detail.shouldSwap = false; lock(); } else if (event.detail.xhr.status < 400) answered();
  });

  // Échap does not open a lock, however often it is pressed.
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("keydown", (event) => { if (event.key === "Escape") event.preventDefault(); });
  dialog.addEventListener("close", () => { if (locked) { dialog.showModal(); password.focus(); } });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    refusal.hidden = true;
    let sentence = "La connexion au serveur est coupée : ce que vous avez écrit est toujours là. Réessayez dans un instant.";
    try {
      const answer = await house.send("/verrou", { method: "POST", json: { password: password.value } });
      if (answer.status === 204 || answer.status === 200) {
        house.renewToken(answer.headers.get("X-CSRFToken"));
        write("cityjobs.unlock", Date.now());
        unlock();
        return;
      }
      sentence = answer.status === 429
        ? "Trop d’essais : attendez quelques minutes. Ce que vous avez écrit est toujours là."
        : answer.status === 401 || answer.status === 422
          ? "Ce n’est pas le bon mot de passe. Ce que vous avez écrit est toujours là."
          : "Votre session est terminée. Copiez ce que vous ne voulez pas perdre depuis un autre onglet, puis reconnectez-vous.";
    } catch { /* the sentence above says it */ }
    refusal.querySelector("span").textContent = sentence;
    refusal.hidden = false;
    password.select();
    password.focus();
  });

  // Before a form leaves: true at once, or once the password was given again. False never comes: the text waits.
  house.needsCheck = () => dialog.open || Date.now() - lastAnswer() > idle - 4 * MINUTE;
  house.afterUnlock = async () => {
    if (!dialog.open && (await ask()) && !dialog.open) { answered(); return true; }
    if (!dialog.open) lock();
    return new Promise((go) => waiting.push(go));
  };
})();
