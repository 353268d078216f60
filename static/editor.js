// The editor of documents: CodeMirror in front of the form's own text field, which keeps every
// character as it is typed. In a shadow root CodeMirror's styles are constructed style sheets, so
// the page's policy needs no exception for them.
import {
  autocompletion, bracketMatching, closeBrackets, closeBracketsKeymap, Compartment, completionKeymap,
  defaultKeymap, drawSelection, EditorState, EditorView, highlightActiveLine, highlightActiveLineGutter,
  HighlightStyle, highlightSelectionMatches, history, historyKeymap, indentOnInput, indentUnit,
  indentWithTab, json, keymap, lineNumbers, lintGutter, lintKeymap, search, searchKeymap,
  setDiagnostics, syntaxHighlighting, tags, yaml,
} from "./vendor/codemirror/codemirror.min.js";
import { makeCompleter } from "./editor_words.js";

const QUIET = 100; // milliseconds without a key, then the server checks

const look = EditorView.theme({
  "&": { height: "100%", fontSize: "13px", color: "var(--tblr-body-color)", backgroundColor: "var(--tblr-bg-surface)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--tblr-font-monospace)", lineHeight: "1.6", fontVariantLigatures: "none" },
  ".cm-content": { caretColor: "var(--tblr-body-color)", padding: "8px 0" },
  ".cm-cursor": { borderLeftColor: "var(--tblr-body-color)", borderLeftWidth: "2px" },
  ".cm-gutters": { backgroundColor: "var(--tblr-bg-surface-tertiary)", color: "var(--tblr-secondary)", borderRight: "1px solid var(--tblr-border-color)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in oklab, var(--tblr-hover-bg) 60%, transparent)" },
  ".cm-activeLineGutter": { color: "var(--tblr-body-color)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "var(--editor-selection)" },
  ".cm-selectionMatch": { backgroundColor: "var(--busy-bg)" },
  ".cm-tooltip, .cm-panels": { color: "var(--tblr-body-color)", backgroundColor: "var(--tblr-bg-surface)", border: "1px solid var(--tblr-border-color)", borderRadius: "6px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--tblr-font-monospace)", maxHeight: "16em" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "3px 8px" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { background: "var(--tblr-primary)", color: "#fff" },
  ".cm-completionDetail": { color: "var(--tblr-secondary)", fontStyle: "normal", marginLeft: "1em" },
  "li[aria-selected] .cm-completionDetail": { color: "#fff" },
  ".cm-completionInfo": { padding: "6px 10px", maxWidth: "22rem", fontFamily: "var(--tblr-font-sans-serif)" },
  ".cm-panel.cm-search": { padding: "8px 28px 8px 10px", fontFamily: "var(--tblr-font-sans-serif)" },
  ".cm-panel.cm-search label": { fontSize: "12px" },
  ".cm-textfield": { fontSize: "12px", padding: "3px 6px", border: "1px solid var(--tblr-secondary)", borderRadius: "4px", backgroundColor: "var(--tblr-bg-forms)" },
  ".cm-button": { fontSize: "12px", padding: "3px 8px", border: "1px solid var(--tblr-border-color)", borderRadius: "4px", backgroundImage: "none", backgroundColor: "var(--tblr-bg-surface)" },
  ".cm-diagnostic": { padding: "6px 10px", fontFamily: "var(--tblr-font-sans-serif)" },
});
const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--busy)" },
  { tag: [tags.string, tags.content, tags.attributeValue], color: "var(--tblr-body-color)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword, tags.atom], color: "var(--wait)" },
  { tag: [tags.comment, tags.meta], color: "var(--tblr-secondary)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.bracket, tags.squareBracket, tags.brace], color: "var(--tblr-secondary)" },
  { tag: tags.labelName, color: "var(--good)" },
]);

const field = document.querySelector("[data-editor] textarea");
const form = field.form;
const place = field.parentElement;
const list = document.querySelector("#problems ul");
const title = document.querySelector("#problems .problems-title");
const root = document.documentElement;
const language = new Compartment();
const theme = new Compartment();
const words = { fixed: null, names: { steps: {}, parameters: {}, variables: {} } };
const format = () => new FormData(form).get("format");
const speak = () => [format() === "JSON" ? json() : yaml(), indentUnit.of("  ")];
const dark = () => EditorView.darkTheme.of(root.dataset.bsTheme === "dark");

// The server's check, as saving does it.
const counted = (problems, severity, noun) => {
  const count = problems.filter((each) => each.severity === severity).length;
  return count ? `${count} ${noun}${count > 1 ? "s" : ""}` : "";
};
const goTo = (position) => {
  view.dispatch({ selection: { anchor: position }, effects: EditorView.scrollIntoView(position, { y: "center" }) });
  view.focus();
};
const span = (doc, { line, column }) => {
  const found = doc.line(Math.min(Math.max(line, 1), doc.lines));
  const from = Math.min(found.from + Math.max(column - 1, 0), found.to);
  const word = /^["']?[\w:.-]+/.exec(found.text.slice(from - found.from));
  return { from, to: Math.min(from + (word ? word[0].length : 1), found.to) };
};
const makeItem = (problem, from) => {
  const item = Object.assign(document.createElement("li"), { className: `problem problem-${problem.severity}` });
  const sprite = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  const icon = problem.severity === "error" ? "alert-octagon" : "alert-triangle";
  use.setAttribute("href", `${place.dataset.icons}#${icon}`);
  sprite.setAttribute("class", "icon");
  sprite.setAttribute("aria-hidden", "true");
  sprite.append(use);
  const button = Object.assign(document.createElement("button"), {
    type: "button", className: "problem-line mono", textContent: `Line ${problem.line}`, onclick: () => goTo(from),
  });
  const word = problem.severity === "warning" ? "Warning: " : "";
  item.append(sprite, button, Object.assign(document.createElement("span"), { textContent: word + problem.message }));
  return item;
};
const show = (problems) => {
  const { doc } = view.state;
  const found = problems.map((problem) => ({ ...span(doc, problem), severity: problem.severity, message: problem.message }));
  view.dispatch(setDiagnostics(view.state, found));
  list.replaceChildren(...problems.map((problem, index) => makeItem(problem, found[index].from)));
  const text = [counted(problems, "error", "error"), counted(problems, "warning", "warning")].filter(Boolean).join(", ");
  if (title.textContent !== (text || "No problems")) title.textContent = text || "No problems";
};
let asked = new AbortController();
const check = async () => {
  asked.abort();
  asked = new AbortController();
  const body = new FormData();
  ["csrfmiddlewaretoken", "format", "content"].forEach((name) => body.set(name, new FormData(form).get(name)));
  try {
    const response = await fetch(place.dataset.check, { method: "POST", body, signal: asked.signal, redirect: "error" });
    const { problems, names } = await response.json();
    words.names = names || words.names;
    show(problems);
  } catch (error) {
    if (error.name !== "AbortError") title.textContent = "The check cannot be reached; the text is checked when you save.";
  }
};
let timer;
const later = () => { clearTimeout(timer); timer = setTimeout(check, QUIET); };

const save = () => { form.requestSubmit(); return true; };

// What was typed outlives a session that ended in between: the tab keeps it, and offers it again.
const draftKey = `draft ${location.pathname}`;
const offerDraft = () => {
  const text = sessionStorage.getItem(draftKey);
  const note = document.querySelector("[data-draft]");
  if (text === null || text === view.state.doc.toString()) return;
  note.hidden = false;
  note.querySelector("button").addEventListener("click", () => {
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    note.hidden = true;
    view.focus();
  });
};

// What is typed goes into the field at once, so a form sent by any means has it all.
let touched = false;
const keep = EditorView.updateListener.of((update) => {
  if (!update.docChanged) return;
  field.value = update.state.doc.toString();
  touched = true;
  sessionStorage.setItem(draftKey, field.value);
  later();
});

const host = Object.assign(document.createElement("div"), { className: "editor" });
place.append(host);
const shadow = host.attachShadow({ mode: "open" });
const view = new EditorView({
  root: shadow,
  parent: shadow,
  state: EditorState.create({
    doc: field.value,
    extensions: [
      lineNumbers(), lintGutter(), highlightActiveLineGutter(), history(), drawSelection(), indentOnInput(),
      bracketMatching(), closeBrackets(), highlightActiveLine(), highlightSelectionMatches(), search({ top: true }),
      autocompletion({ override: [makeCompleter(words, format)], icons: false }),
      keymap.of([{ key: "Mod-s", run: save, preventDefault: true }, ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap, indentWithTab]),
      EditorView.contentAttributes.of({ "aria-label": "Runbook", tabindex: "0" }),
      language.of(speak()), theme.of(dark()), look, syntaxHighlighting(colours), keep,
    ],
  }),
});
field.hidden = true;
document.querySelectorAll("[data-editor-hint]").forEach((hint) => { hint.hidden = false; });
document.querySelector(`label[for="${field.id}"]`).addEventListener("click", () => view.focus());
new MutationObserver(() => view.dispatch({ effects: theme.reconfigure(dark()) })).observe(root, { attributeFilter: ["data-bs-theme"] });
form.addEventListener("change", ({ target }) => {
  if (target.name !== "format") return;
  view.dispatch({ effects: language.reconfigure(speak()) });
  check();
});
form.addEventListener("submit", () => { touched = false; });
addEventListener("beforeunload", (event) => { if (touched) event.preventDefault(); });
offerDraft();
fetch(place.dataset.words).then((response) => response.json()).then((fixed) => { words.fixed = fixed; });
check();
