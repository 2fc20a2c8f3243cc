// Messages: those the server wrote are moved into the live region so that they are announced; each can be put away.
(() => {
  "use strict";
  const region = document.getElementById("messages");
  if (!region) return;
  const QUIET = 20000;
  const icons = { done: "check2-circle", due: "exclamation-triangle", lost: "exclamation-circle", calm: "info-circle" };

  const settle = (toast) => {
    if (!toast.querySelector(".close")) {
      const button = house.make("button", { type: "button", class: "close", "aria-label": "Fermer ce message" }, house.icon("x-lg"));
      button.addEventListener("click", () => toast.remove());
      toast.querySelector("p").after(button);
    }
    if (!toast.classList.contains("done") || toast.querySelector("form")) return;
    let timer;
    const leave = () => { timer = setTimeout(() => toast.remove(), QUIET); };
    for (const event of ["pointerenter", "focusin"]) toast.addEventListener(event, () => clearTimeout(timer));
    for (const event of ["pointerleave", "focusout"]) toast.addEventListener(event, leave);
    leave();
  };

  house.say = (text, kind = "done") => {
    const toast = house.make("div", { class: `toast ${kind}` }, house.icon(icons[kind] ?? "info-circle"), house.make("p", {}, text));
    region.append(toast);
    settle(toast);
    return toast;
  };

  const written = [...region.querySelectorAll(".toast")];
  region.classList.remove("still");
  if (written.length) {
    region.replaceChildren();
    setTimeout(() => { for (const toast of written) { region.append(toast); settle(toast); } }, 120);
  }
  // An answer to htmx says something with the header HX-Trigger: {"toast": {"text": "…", "kind": "done"}}.
  document.addEventListener("toast", (event) => house.say(event.detail.text ?? event.detail.value, event.detail.kind));
  // Messages sent along with a fragment (hx-swap-oob) get the same manners.
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) if (node instanceof HTMLElement && node.matches(".toast")) settle(node);
  }).observe(region, { childList: true });
})();
