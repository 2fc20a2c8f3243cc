// The focus goes to the summary of errors; what htmx could not do is said.
(() => {
  "use strict";
  const focusSummary = (root) => root.querySelector?.("[data-error-summary]")?.focus();
  focusSummary(document);
  document.addEventListener("htmx:afterSwap", (event) => focusSummary(event.detail.elt));
  document.addEventListener("htmx:sendError", () => house.say?.("Pas de réseau : rien n’a été envoyé, votre texte reste à l’écran.", "lost"));
  document.addEventListener("htmx:responseError", (event) => {
    const { status } = event.detail.xhr;
    if (status === 401) return;
    const incident = event.detail.xhr.getResponseHeader("X-Request-Id");
    const what = { 403: "Vous n’avez pas le droit de faire cela.", 404: "Cette ligne n’existe plus : rechargez la page.", 409: "Quelqu’un a modifié la même chose : rechargez la page pour voir sa version.", 429: "Trop de demandes en peu de temps : attendez une minute." }[status] ?? "Cela n’a pas fonctionné : rien n’a été enregistré.";
    house.say?.(incident && status >= 500 ? `${what} Incident ${incident}.` : what, "lost");
  });
  document.addEventListener("click", (event) => { if (event.target.closest?.("[data-print]")) window.print(); if (event.target.closest?.("[data-back]") && history.length > 1) { event.preventDefault(); history.back(); } });
})();
