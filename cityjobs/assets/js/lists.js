// Choosing rows: the box in the header chooses all of the page, the bar says how many are chosen.
(() => {
  "use strict";
  const count = (form) => {
    const boxes = [...document.querySelectorAll(`input[type=checkbox][data-pick="${form}"]`)];
    const chosen = boxes.filter((box) => box.checked);
    for (const box of boxes) box.closest("tr, li")?.classList.toggle("chosen", box.checked);
    for (const all of document.querySelectorAll(`[data-pick-all="${form}"]`)) { all.checked = boxes.length > 0 && chosen.length === boxes.length; all.indeterminate = chosen.length > 0 && chosen.length < boxes.length; }
    for (const place of document.querySelectorAll(`[data-picked="${form}"]`)) place.textContent = chosen.length === 0 ? "Aucune ligne choisie" : chosen.length === 1 ? "1 ligne choisie" : `${chosen.length} lignes choisies`;
    document.getElementById(form)?.classList.toggle("active", chosen.length > 0);
  };
  const start = () => { for (const place of document.querySelectorAll("[data-picked]")) count(place.dataset.picked); for (const all of document.querySelectorAll("[data-pick-all]")) all.closest("label").hidden = false; };
  document.addEventListener("change", (event) => {
    const { pick, pickAll, submitOnChange } = event.target.dataset ?? {};
    if (pickAll) for (const box of document.querySelectorAll(`input[data-pick="${pickAll}"]`)) box.checked = event.target.checked;
    if (pick || pickAll) count(pick ?? pickAll);
    if (submitOnChange !== undefined) event.target.form.requestSubmit();
  });
  start();
  window.addEventListener("pageshow", start);
  document.addEventListener("htmx:load", start);
})();
