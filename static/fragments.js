// Puts parts that the server rendered into the page: each is one element by its id, so that taking
// a part twice changes nothing. What somebody is using is left alone until they let go.

const FOCUSABLE = "a, button, summary, pre";
const FIELDS = "input, textarea, select";
const sent = new Map(); // the last HTML by id: what has not changed is not touched
const held = new Map(); // news of what is in use

const all = (root, selector) => [...root.querySelectorAll(selector)];
const inUse = (element) => element.querySelector("dialog[open]")
  || (element.contains(document.activeElement) && document.activeElement.matches(FIELDS));

const make = (html) => {
  const { content } = Object.assign(document.createElement("template"), { innerHTML: html });
  // A stream's HTML is the same for all who look, so it cannot carry a form's token.
  const csrf = document.querySelector("input[name=csrfmiddlewaretoken]");
  all(content, 'form[method="post"]').forEach((form) => form.prepend(csrf.cloneNode()));
  return content.firstElementChild;
};

const replace = (old, fresh) => {
  const focus = all(old, FOCUSABLE).indexOf(document.activeElement);
  const details = all(fresh, "details");
  all(old, "details").forEach((each, index) => { if (each.open && details[index] && !("fold" in details[index].dataset)) details[index].open = true; });
  old.replaceWith(fresh);
  if (focus >= 0) all(fresh, FOCUSABLE)[focus]?.focus({ preventScroll: true });
};

const add = (list, fresh) => {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 8;
  list.insertBefore(fresh, list.querySelector(":scope > .step-upcoming"));
  if (atEnd) list.scrollTop = list.scrollHeight;
};

// { id, html }: replaces the element, adds it to the list with data-append="<id before the dash>",
// or takes it away when there is no HTML.
export const place = ({ id, html }) => {
  const old = document.getElementById(id);
  const list = document.querySelector(`[data-append="${id.split("-")[0]}"]`);
  held.delete(id);
  if (sent.get(id) === html) return;
  if (old && inUse(old)) { held.set(id, html); return; }
  sent.set(id, html);
  if (!html) old?.remove();
  else if (old) replace(old, make(html));
  else if (list) add(list, make(html));
  if (html.includes("hx-")) globalThis.htmx?.process(document.getElementById(id));
};

const settle = () => [...held].forEach(([id, html]) => place({ id, html }));
document.addEventListener("focusout", () => setTimeout(settle));
document.addEventListener("close", settle, true);
