// A form is sent once, and never into a locked session: the password is asked first, then the form leaves as it was.
(() => {
  "use strict";
  const PATIENCE = 12000;
  const free = (form) => {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[data-was-sent]")) { button.removeAttribute("aria-disabled"); button.removeAttribute("data-was-sent"); }
    form.dispatchEvent(new CustomEvent("house:stayed"));
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.method.toLowerCase() !== "post" || form.closest("dialog")) return;
    if (form.dataset.sent) { event.preventDefault(); event.stopImmediatePropagation(); return; }
    const button = event.submitter;
    if (!form.dataset.checked && house.needsCheck?.()) {
      event.preventDefault();
      event.stopImmediatePropagation();
      house.afterUnlock().then((open) => {
        if (!open) return;
        form.dataset.checked = "1";
        form.requestSubmit(button?.form === form ? button : undefined);
        delete form.dataset.checked;
      });
      return;
    }
    form.dataset.sent = "1";
    if (button) { button.setAttribute("aria-disabled", "true"); button.dataset.wasSent = "1"; }
    setTimeout(() => free(form), PATIENCE);
  }, true);

  window.addEventListener("pageshow", () => { for (const form of document.querySelectorAll("form[data-sent]")) free(form); });
  document.addEventListener("htmx:afterRequest", (event) => { const form = event.target.closest?.("form"); if (form) free(form); });
  document.addEventListener("click", (event) => { if (event.target.closest?.('a[aria-disabled="true"]')) event.preventDefault(); });
})();
