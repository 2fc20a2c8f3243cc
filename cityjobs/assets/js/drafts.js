// <form data-draft="key">: what is typed is kept on the server, readable by its author only, until the form is accepted.
(() => {
  "use strict";
  const PAUSE = 1500;
  const RETRY = 8000;

  const answersOf = (form) => {
    const answers = {};
    for (const [name, value] of new FormData(form)) {
      if (name === "csrf_token" || typeof value !== "string" || form.querySelector(`[name="${CSS.escape(name)}"][type="password"]`)) continue;
      answers[name] = name in answers ? [].concat(answers[name], value) : value;
    }
    return answers;
  };

  const watch = (form) => {
    if (form.dataset.draftWatched) return;
    form.dataset.draftWatched = "1";
    const url = `/brouillons/${encodeURIComponent(form.dataset.draft)}`;
    const status = form.querySelector("[data-draft-status]");
    let kept = JSON.stringify(answersOf(form));
    let timer = 0;
    let gone = false;
    const say = (text, wrong = false) => {
      if (!status) return;
      status.textContent = text;
      status.classList.toggle("lost", wrong);
    };
    const later = (delay) => { clearTimeout(timer); timer = setTimeout(save, delay); };
    const save = async () => {
      clearTimeout(timer);
      const answers = answersOf(form);
      const written = JSON.stringify(answers);
      if (gone || written === kept) return;
      try {
        const answer = await house.send(url, { method: "PUT", json: answers });
        if (answer.ok) {
          kept = written;
          say(`Brouillon enregistré à ${house.clock()}`);
        } else if (answer.status === 401) {
          say("Brouillon en attente : déverrouillez l’écran pour l’enregistrer.", true);
          later(RETRY);
        } else if (answer.status === 413) {
          say("Ce texte est trop long pour un brouillon : enregistrez le formulaire.", true);
        } else if (answer.status === 422) {
          say((await answer.json()).refused, true);
        } else {
          say("Le brouillon n’a pas pu être enregistré : votre texte reste à l’écran, nouvel essai dans un instant.", true);
          later(RETRY);
        }
      } catch {
        say("Pas de réseau : votre texte reste à l’écran, il sera enregistré au retour de la connexion.", true);
        later(RETRY);
      }
    };
    const leave = () => {
      const answers = answersOf(form);
      if (gone || JSON.stringify(answers) === kept) return;
      kept = JSON.stringify(answers);
      house.send(url, { method: "PUT", json: answers, keepalive: true }).catch(() => {});
    };
    form.addEventListener("input", () => later(PAUSE));
    form.addEventListener("change", () => later(PAUSE));
    form.addEventListener("submit", (event) => { if (!event.defaultPrevented) { gone = true; clearTimeout(timer); } });
    form.addEventListener("house:stayed", () => { gone = false; });
    window.addEventListener("pagehide", leave);
    window.addEventListener("pageshow", () => { gone = false; });
    window.addEventListener("online", save);
    // After htmx sent the form: accepted answers replace it or leave it empty; a refusal means that typing goes on.
    // What a field of the form asks for itself, suggestions while typing, keeps nothing.
    form.addEventListener("htmx:afterRequest", (event) => { if (event.detail.elt !== form) return; gone = false; if (event.detail.successful) kept = JSON.stringify(answersOf(form)); });
  };

  const watchAll = (root) => { for (const form of root.querySelectorAll("form[data-draft]")) watch(form); };
  watchAll(document);
  document.addEventListener("htmx:load", (event) => { const part = event.detail.elt; if (part.matches?.("form[data-draft]")) watch(part); watchAll(part); });
})();
