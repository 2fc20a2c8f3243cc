// Three keys: / for the search, n for the quick entry of the page, Ctrl + Entrée to send the form one is in.
(() => {
  "use strict";
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      const form = event.target.closest?.("form");
      if (form && form.method.toLowerCase() === "post") { event.preventDefault(); form.requestSubmit(form.querySelector("[type=submit]:not([formaction])") ?? undefined); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || house.typing(event.target)) return;
    const target = { "/": "[data-search]", n: "[data-quick-entry]" }[event.key];
    const field = target && document.querySelector(target);
    if (!field) return;
    event.preventDefault();
    const entry = field.matches("input, textarea, select, a, button") ? field : field.querySelector("textarea, input:not([type=hidden]), select");
    field.closest("details")?.setAttribute("open", "");
    (entry ?? field).focus();
    entry?.scrollIntoView({ block: "center" });
  });
})();
