// Menus are <details>: one open at a time, closed by Échap or by a click elsewhere.
(() => {
  "use strict";
  const open = () => document.querySelectorAll("details.menu[open], .rail details[open]");
  document.addEventListener("click", (event) => { for (const menu of open()) if (!menu.contains(event.target)) menu.open = false; });
  document.addEventListener("focusin", (event) => { for (const menu of open()) if (!menu.contains(event.target)) menu.open = false; });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open()) { const inside = menu.contains(document.activeElement); menu.open = false; if (inside) menu.querySelector("summary").focus(); }
  });
})();
