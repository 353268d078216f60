// Small behaviours of every page. Each is tied to a data attribute; without scripts pages still work.
"use strict";

(() => {
  const all = (selector, root = document) => root.querySelectorAll(selector);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
  const seconds = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hour12: false });
  const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

  // Times: the viewer's zone, UTC on hover.
  const sayRelative = (date) => {
    const distance = (date - Date.now()) / 1000;
    const [unit, size] = UNITS.find(([, size]) => Math.abs(distance) >= size) || UNITS[3];
    return relative.format(Math.trunc(distance / size), unit);
  };
  const sayMoment = (date) => {
    const today = date.toDateString() === new Date().toDateString();
    return `${today ? "Today" : day.format(date)}, ${clock.format(date)}`;
  };
  const STYLES = { relative: sayRelative, clock: (date) => seconds.format(date), moment: sayMoment };
  const showTime = (element) => {
    const date = new Date(element.dateTime);
    const text = STYLES[element.dataset.style](date);
    if (element.textContent !== text) element.textContent = text;
    element.title = `${element.dateTime.slice(0, 19).replace("T", " ")} UTC (shown in ${zone})`;
  };

  // Durations that still run, in the words of the template tag.
  const sayDuration = (total) => {
    const pad = (number) => String(number).padStart(2, "0");
    const [days, hours, minutes] = [total / 86400, (total / 3600) % 24, (total / 60) % 60].map(Math.floor);
    if (days) return `${days} d ${hours} h`;
    if (hours) return `${hours} h ${pad(minutes)} min`;
    return minutes ? `${minutes} min ${pad(Math.floor(total % 60))} s` : `${Math.max(Math.floor(total), 0)} s`;
  };
  const tick = () => {
    all("[data-since]").forEach((element) => {
      element.textContent = sayDuration((Date.now() - new Date(element.dataset.since)) / 1000);
    });
    all('time[data-style="relative"]').forEach(showTime);
  };

  // Pickers: how many are chosen.
  const countPicked = (picker) => {
    const count = all("input[data-pick]:checked", picker).length;
    const output = picker.querySelector("output");
    if (output) output.textContent = count ? `${count} selected` : "None selected";
  };

  const refresh = (root) => {
    all("time[data-style]", root).forEach(showTime);
    all("[data-picker]").forEach(countPicked);
    tick();
  };
  // Whoever adds nodes (htmx, the live stream) need not know of the times in them.
  new MutationObserver((changes) => {
    const added = changes.flatMap((change) => [...change.addedNodes]);
    added.filter((node) => node instanceof Element).forEach((node) => refresh(node.parentNode || node));
  }).observe(document.body, { childList: true, subtree: true });

  // Dialogs, menus, copying.
  const copy = async (button) => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1500);
  };
  document.addEventListener("click", (event) => {
    const { target } = event;
    const opener = target.closest("[data-open]");
    const copier = target.closest("[data-copy]");
    if (opener) document.getElementById(opener.dataset.open).showModal();
    if (copier) copy(copier);
    if (target.closest("[data-close]") || target.matches("dialog")) target.closest("dialog").close();
    all("details.menu[open]").forEach((menu) => { if (!menu.contains(target)) menu.open = false; });
  });
  document.addEventListener("change", ({ target }) => {
    const picker = target.closest("[data-picker]");
    if (picker) {
      picker.dataset.chosen = "";
      countPicked(picker);
    }
    if (target.matches("[data-submit]")) target.form.requestSubmit();
  });

  // A list that was asked for before the last choice does not know of it: ask again.
  document.addEventListener("htmx:beforeRequest", ({ target }) => target.closest("[data-picker]")?.removeAttribute("data-chosen"));
  document.addEventListener("htmx:beforeSwap", ({ target, detail }) => {
    const picker = target.closest("[data-picker][data-chosen]");
    if (!picker) return;
    detail.shouldSwap = false;
    picker.querySelector("[data-search]").dispatchEvent(new Event("again"));
  });

  // Keys: "/" to search, "g" and a letter to go somewhere, "?" for the list, Escape closes a menu.
  let going = false;
  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (key === "Escape") {
      const menu = document.querySelector("details.menu[open]");
      if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.closest("input, textarea, select, dialog, .editor")) return;
    const link = going && document.querySelector(`[data-go="${CSS.escape(key)}"]`);
    going = key === "g";
    if (link) link.click();
    else if (key === "/") {
      const search = document.querySelector("[data-search]");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    } else if (key === "?") document.getElementById("keys")?.showModal();
  });

  // A partial that cannot be loaded says so instead of doing nothing.
  const warn = (text) => {
    const note = document.getElementById("notice");
    if (note) { note.textContent = text; note.hidden = false; }
  };
  document.addEventListener("htmx:responseError", ({ detail }) =>
    warn(`The server answered ${detail.xhr.status}. Reload the page; if it happens again, tell your administrator.`));
  document.addEventListener("htmx:sendError", () =>
    warn("The server cannot be reached. Check your connection, then reload the page."));

  document.querySelector('[aria-invalid="true"]')?.focus();
  refresh(document);
  setInterval(tick, 1000);
})();
