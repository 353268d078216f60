// Follows an execution while its page is shown: a stream with a cursor, polling when none gets through.
"use strict";

(() => {
  const section = document.getElementById("live");
  if (!section || !section.dataset.liveUrl) return;
  const { liveUrl, pollUrl, tokenUrl } = section.dataset;
  const FIRST_WORD = 10000, SILENCE = 40000, POLL = 3000, POLLS = 10, TRIES = 3; // ms; the server pings every 15 s
  let { token } = section.dataset;
  let after = Number(section.dataset.after);
  let over = false, failures = 0, connection = null;
  const sent = new Map(); // the last HTML by element id: what has not changed is left alone
  const held = new Map(); // what must not be replaced yet, because somebody is using it

  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms * (0.5 + Math.random() / 2)));
  const shown = () => new Promise((resolve) => {
    if (document.hidden) document.addEventListener("visibilitychange", resolve, { once: true });
    else resolve();
  });
  const say = (text) => { document.getElementById("live-status").textContent = text; };
  const stop = (text) => { over = true; section.dataset.state = "lost"; say(text); };

  // The page: every fragment is an element by its id, so that taking one twice changes nothing.
  const focusable = (root) => [...root.querySelectorAll("a, button, summary, pre, input")];
  const inUse = (element) => element.querySelector("dialog[open]")
    || (element.contains(document.activeElement) && document.activeElement.matches("input, textarea, select"));
  const make = (html) => {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    const csrf = document.querySelector("input[name=csrfmiddlewaretoken]");
    holder.content.querySelectorAll('form[method="post"]').forEach((form) => form.prepend(csrf.cloneNode()));
    return holder.content.firstElementChild;
  };
  const replace = (old, fresh) => {
    const focus = focusable(old).indexOf(document.activeElement);
    const details = fresh.querySelectorAll("details");
    old.querySelectorAll("details").forEach((each, index) => { if (each.open && details[index]) details[index].open = true; });
    old.replaceWith(fresh);
    if (focus >= 0) focusable(fresh)[focus]?.focus({ preventScroll: true });
  };
  const add = (id, fresh) => {
    const list = section.querySelector(`[data-append="${id.split("-")[0]}"]`);
    if (!list) return;
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 8;
    list.insertBefore(fresh, list.querySelector(":scope > .step-upcoming"));
    if (atEnd) list.scrollTop = list.scrollHeight;
  };
  const place = ({ id, html }) => {
    const old = document.getElementById(id);
    if (sent.get(id) === html) return;
    held.delete(id);
    if (old && inUse(old)) return void held.set(id, html);
    sent.set(id, html);
    if (!html) old?.remove();
    else if (old) replace(old, make(html));
    else add(id, make(html));
  };
  const settle = () => [...held].forEach(([id, html]) => place({ id, html }));
  const take = ({ seq, fragments, end }) => {
    fragments.forEach(place);
    after = Math.max(after, seq);
    over ||= end;
    const rows = fragments.filter(({ id }) => id.startsWith("event-"));
    if (rows.length) say(document.getElementById(rows.at(-1).id)?.querySelector("p").textContent);
  };

  // The stream: its end, a silence and any status but 200 are all the same, a reason to come again.
  const renew = async () => {
    const response = await fetch(tokenUrl, { cache: "no-store" });
    if (response.status === 403) stop((await response.json()).message);
    if (response.ok) ({ token } = await response.json());
  };
  const hear = (message) => {
    const data = message.split("\n").find((line) => line.startsWith("data: "));
    if (message.startsWith("event: end")) over = true;
    else if (data) take(JSON.parse(data.slice(6)));
  };
  const follow = async () => {
    connection = new AbortController();
    let watch = setTimeout(() => connection.abort(), FIRST_WORD);
    try {
      const query = new URLSearchParams({ after, token });
      const response = await fetch(`${liveUrl}?${query}`, { signal: connection.signal, cache: "no-store" });
      if (response.status === 403) await renew();
      if (!response.ok) throw new Error(`The stream answered ${response.status}`);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        clearTimeout(watch);
        watch = setTimeout(() => connection.abort(), SILENCE);
        failures = 0;
        section.dataset.state = "live";
        const messages = (text + part.value).split("\n\n");
        text = messages.pop();
        messages.forEach(hear);
      }
    } finally {
      clearTimeout(watch);
    }
  };
  const poll = async () => {
    section.dataset.state = "polling";
    for (let turn = 0; turn < POLLS && !over; turn += 1) {
      await shown();
      const response = await fetch(`${pollUrl}?after=${after}`, { cache: "no-store" }).catch(() => null);
      if (response?.status === 403) stop((await response.json()).message);
      else if (response?.ok) take(await response.json());
      if (!over) await pause(POLL);
    }
  };
  const run = async () => {
    while (!over) {
      await shown();
      await follow().catch(() => { if (!document.hidden) failures += 1; });
      if (over) break;
      if (failures >= TRIES) await poll();
      else await pause(500 * 2 ** failures);
    }
    if (section.dataset.state !== "lost") section.dataset.state = "over";
  };

  document.addEventListener("visibilitychange", () => { if (document.hidden) connection?.abort(); });
  document.addEventListener("focusout", () => setTimeout(settle));
  document.addEventListener("close", settle, true);
  run();
})();
