// What the editor offers to complete: the words of the runbook language that the server sent, and
// the names in the text itself. It looks at lines and how far they are indented, so it also works
// in a text that is not complete yet.

const KEY = /^(\s*(?:-\s+)*)["']?([\w:-]+)["']?\s*:/;
const VALUE = (keys) => new RegExp(`(?:^|[\\s{,"'-])["']?(?:${keys})["']?\\s*:\\s*["']?([\\w:<>]*)$`);
const REFERENCE = /\{\{\s*([\w:.]*)$/;
const NEW_KEY = /^(\s*(?:-\s+)*)["']?(\w*)$/;

const ACTION = VALUE("action");
const JUMP = VALUE("nextStep|NextStep|Default");
const ON_FAILURE = VALUE("onFailure|onCancel");
const TYPE = VALUE("type|Type");

const readKey = (text) => {
  const match = KEY.exec(text);
  return match && { indent: match[1].length, key: match[2], item: match[1].includes("-"), text };
};

// The keys around a line, from the inside out.
const findParents = (doc, number, indent) => {
  const parents = [];
  for (let at = number - 1, most = indent; at > 0 && most > 0; at -= 1) {
    const found = readKey(doc.line(at).text);
    if (found && found.indent < most) {
      parents.push({ ...found, line: at });
      most = found.indent;
    }
  }
  return parents;
};

// The keys beside a line in the same map, and the text of each.
const findSiblings = (doc, number, indent) => {
  const found = [];
  const look = (at, step) => {
    for (; at > 0 && at <= doc.lines; at += step) {
      const { text } = doc.line(at);
      const key = readKey(text);
      const depth = key ? key.indent : text.search(/\S/);
      if (depth >= 0 && depth < indent) return;
      if (key && key.indent === indent) {
        if (key.item && step > 0) return;
        found.push(key);
        if (key.item) return;
      }
    }
  };
  const own = readKey(doc.line(number).text);
  if (!/^\s*-/.test(doc.line(number).text) || !own) look(number - 1, -1);
  look(number + 1, 1);
  return found;
};

const option = (label, more = {}) => ({ label, type: "keyword", ...more });

const listInputs = (fixed, doc, parent) => {
  const keys = [...findSiblings(doc, parent.line, parent.indent), parent];
  const written = keys.find(({ key }) => key === "action");
  const name = written && /action["']?\s*:\s*["']?([\w:]+)/.exec(written.text)?.[1];
  const inputs = fixed.actions[name]?.inputs || {};
  return Object.entries(inputs).map(([label, { type, required }]) =>
    option(label, { detail: [type, required ? "required" : ""].filter(Boolean).join(", "), boost: required ? 1 : 0 }));
};

const listKeys = (fixed, doc, number, indent) => {
  const [parent, above] = findParents(doc, number, indent);
  if (!parent) return fixed.top.map((label) => option(label));
  if (parent.key === "inputs") return listInputs(fixed, doc, parent);
  if (parent.key === "mainSteps" || parent.key === "Steps") return fixed.step.map((label) => option(label));
  if (above?.key === "parameters") return fixed.parameter.map((label) => option(label));
  if (above?.key === "variables") return ["type", "default", "description"].map((label) => option(label));
  return parent.key === "outputs" ? ["Name", "Selector", "Type"].map((label) => option(label)) : [];
};

const listReferences = ({ fixed, names }) => [
  ...Object.entries(names.parameters).map(([label, detail]) => option(label, { detail, boost: 2 })),
  ...Object.entries(names.variables).map(([name, detail]) => option(`variable:${name}`, { detail, boost: 1 })),
  ...Object.entries(names.steps).flatMap(([step, { outputs }]) =>
    Object.entries(outputs).map(([name, detail]) => option(`${step}.${name}`, { detail }))),
  ...fixed.system.map((label) => option(label, { boost: -1 })),
];

const listActions = ({ fixed }) =>
  Object.entries(fixed.actions).map(([label, { about }]) => option(label, { info: about }));

const listSteps = ({ names }, before = "") =>
  Object.entries(names.steps).map(([name, { action }]) => option(before + name, { detail: action }));

// words: { fixed, names } as they are at the time; format() is YAML or JSON.
export const makeCompleter = (words, format) => (context) => {
  if (!words.fixed) return null;
  const line = context.state.doc.lineAt(context.pos);
  const text = line.text.slice(0, context.pos - line.from);
  const offer = (match, options) => ({ from: context.pos - match.at(-1).length, options, validFor: /^[\w:.<>]*$/ });
  const values = [
    [REFERENCE, () => listReferences(words)],
    [ACTION, () => listActions(words)],
    [JUMP, () => listSteps(words)],
    [ON_FAILURE, () => [option("Abort"), option("Continue"), ...listSteps(words, "step:")]],
    [TYPE, () => words.fixed.types.map((label) => option(label))],
  ];
  for (const [pattern, list] of values) {
    const match = pattern.exec(text);
    if (match) return offer(match, list());
  }
  const key = NEW_KEY.exec(text);
  if (!key || (!key[2] && !context.explicit)) return null;
  const end = format() === "JSON" ? "" : ": ";
  const taken = new Set(findSiblings(context.state.doc, line.number, key[1].length).map((each) => each.key));
  const options = listKeys(words.fixed, context.state.doc, line.number, key[1].length);
  return offer(key, options.filter(({ label }) => !taken.has(label)).map((each) => ({ ...each, apply: each.label + end })));
};
