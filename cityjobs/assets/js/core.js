// What the other scripts share. Nothing is written in the page by string: only text and attributes.
const house = (() => {
  "use strict";
  const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) if (value !== null) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };

  const icon = (name) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    svg.setAttribute("class", "i");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `${meta("icons")}#${name}`);
    svg.append(use);
    return svg;
  };

  const clock = (moment = new Date()) => `${moment.getHours()}\u202fh\u202f${String(moment.getMinutes()).padStart(2, "0")}`;

  const token = () => meta("csrf-token");

  // A new token after the password was asked again: every form of the page follows.
  const renewToken = (value) => {
    if (!value) return;
    document.querySelector('meta[name="csrf-token"]').content = value;
    for (const field of document.querySelectorAll('input[name="csrf_token"]')) field.value = value;
    if (document.body.hasAttribute("hx-headers")) document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": value }));
  };

  const send = async (url, { method = "GET", json = undefined, ...rest } = {}) => {
    const headers = { Accept: "application/json", "X-CSRFToken": token() };
    if (json !== undefined) headers["Content-Type"] = "application/json";
    const answer = await fetch(url, { method, headers, body: json === undefined ? undefined : JSON.stringify(json), credentials: "same-origin", redirect: "manual", ...rest });
    document.dispatchEvent(new CustomEvent("house:answer", { detail: { locked: answer.status === 401 && answer.headers.get("X-Lock") === "1", status: answer.status } }));
    return answer;
  };

  const typing = (element) => element instanceof HTMLElement && (element.isContentEditable || element.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])"));

  return { meta, make, icon, clock, token, renewToken, send, typing };
})();
