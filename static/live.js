// Follows an execution while its page is shown: a stream with a cursor, polling when none gets through.
import { place } from "./fragments.js";

const SILENCE = 25000, POLL = 3000; // ms; the server pings every 15 s
const TRIES = 3, POLLS = 10; // streams that fail before polling, polls before the next stream

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms * (0.5 + Math.random() / 2)));
const shown = () => document.hidden
  && new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));

const start = (section) => {
  const { liveUrl, pollUrl, tokenUrl } = section.dataset;
  let { token } = section.dataset;
  let after = Number(section.dataset.after);
  let over = false, failures = 0, connection = null;

  const setState = (state) => { section.dataset.state = state; };
  const say = (text) => { document.getElementById("live-status").textContent = text; };
  const take = ({ seq, fragments, end }) => {
    fragments.forEach(place);
    after = Math.max(after, seq);
    over ||= end;
    if (fragments.length) say(document.querySelector(`#event-${seq} p`).textContent);
  };
  const refused = async (response) => {
    if (response.status !== 403) return;
    over = true;
    setState("lost");
    say((await response.json()).message);
  };

  // The stream. Its end, a silence and any status but 200 are all the same: a reason to come again.
  const renew = async () => {
    const response = await fetch(tokenUrl, { cache: "no-store" });
    if (response.ok) ({ token } = await response.json());
    else await refused(response);
  };
  const hear = (message) => {
    if (message.startsWith("event: end")) over = true;
    else if (message.startsWith("id: ")) take(JSON.parse(message.split("\ndata: ")[1]));
  };
  const follow = async () => {
    connection = new AbortController();
    const { signal } = connection;
    let silence = setTimeout(() => connection.abort(), SILENCE);
    try {
      const response = await fetch(`${liveUrl}?${new URLSearchParams({ after, token })}`, { signal, cache: "no-store" });
      if (response.status === 403) await renew();
      if (!response.ok) throw new Error(`The stream answered ${response.status}`);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        clearTimeout(silence);
        silence = setTimeout(() => connection.abort(), SILENCE);
        failures = 0;
        setState("live");
        const messages = (text + part.value).split("\n\n");
        text = messages.pop();
        messages.forEach(hear);
      }
    } finally {
      clearTimeout(silence);
    }
  };
  const poll = async () => {
    setState("polling");
    for (let turn = 0; turn < POLLS && !over; turn += 1) {
      await shown();
      const response = await fetch(`${pollUrl}?after=${after}`, { cache: "no-store" }).catch(() => null);
      if (response?.ok) take(await response.json());
      else if (response) await refused(response);
      if (!over) await pause(POLL);
    }
  };
  const run = async () => {
    while (!over) {
      await shown();
      await follow().catch(() => { failures += document.hidden ? 0 : 1; });
      if (!over) await (failures < TRIES ? pause(500 * 2 ** failures) : poll());
    }
    if (section.dataset.state !== "lost") setState("over");
  };

  document.addEventListener("visibilitychange", () => { if (document.hidden) connection?.abort(); });
  run();
};

const section = document.getElementById("live");
if (section?.dataset.liveUrl) start(section);
