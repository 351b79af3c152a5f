// What the signs mean, in six entries at most; a click on an entry hides or shows what it stands for. All other filters are
// folded away.

import { drawing, element } from "./elements.js";

function line(color, { head = "", dashes = "", background = "none" } = {}) {
  const shapes = [["path", { d: head ? "M1 6h17" : "M1 6h26", stroke: color, "stroke-width": 3, "stroke-dasharray": dashes, fill: "none" }]];
  if (head) shapes.push(["path", { d: "M18 1.5l9 4.5-9 4.5z", fill: head === "filled" ? color : background, stroke: color, "stroke-width": 1.5, "stroke-linejoin": "round" }]);
  return drawing(29, 12, ...shapes);
}

function ring(theme) {
  return drawing(29, 12, ["path", { d: "M1 6h27", stroke: theme.ghost, "stroke-width": 3 }], ["circle", { cx: 14.5, cy: 6, r: 4, fill: theme.background, stroke: theme.ghost, "stroke-width": 2 }]);
}

function halves(theme) {
  return drawing(
    16, 16,
    ["path", { d: "M8 1a7 7 0 0 0 0 14z", fill: theme.node.audio }],
    ["rect", { x: 8, y: 1, width: 7, height: 14, fill: theme.node.visual }],
    ["path", { d: "M5 8h6", stroke: theme.own, "stroke-width": 2, "stroke-linecap": "round" }],
  );
}

function dotAndSquare(theme) {
  return drawing(
    28, 14,
    ["circle", { cx: 7, cy: 7, r: 5.5, fill: theme.node.audio, stroke: theme.rim.audio }],
    ["rect", { x: 16, y: 2, width: 10, height: 10, fill: theme.node.visual, stroke: theme.rim.visual }],
  );
}

const WHY = {
  classes: "left half: the class as it is heard; right half: as it is seen; a bar inside where the two are linked",
  directed: "the bootstraps agree on it",
  undirected: "the bootstraps point either way; no head where such data cannot tell",
  cause: "a common cause that is no class may stand behind the link: the graph does not rule it out",
};

export function legendEntries(data, view, theme) {
  const { compared, edges } = data;
  const sign = data.classes ? ["classes", "a class, heard | seen", halves(theme)] : ["classes", "class heard, class seen", dotAndSquare(theme)];
  if (compared) {
    const changes = new Set(edges.map((edge) => edge.change));
    const entries = [
      ["kept", "in both", line(theme.change.kept)],
      ["half", "in both, direction in one", line(theme.change.half)],
      ["reversed", "direction reversed", line(theme.change.reversed)],
      ["added", `only in ${compared.first}`, line(theme.change.added)],
      ["removed", `only in ${compared.second}`, line(theme.change.removed, { dashes: "4 4" })],
    ];
    return [sign, ...entries.filter(([change]) => changes.has(change)).map(([change, ...entry]) => [`change-${change}`, ...entry])];
  }
  // A small picture has room for two lines of a legend; what heads mean is said where the graph is read.
  const heads = [
    ["directed", "direction agreed on", line(theme.ghost, { head: "filled" })],
    ["undirected", "direction open", line(theme.ghost, { head: "hollow", background: theme.background })],
  ];
  return [
    sign,
    ["edge-audio", "both heard", line(theme.edge.audio)],
    ["edge-visual", "both seen", line(theme.edge.visual)],
    ["edge-across", "one heard, one seen", line(theme.edge.across)],
    ...(data.compact ? [] : heads),
    ...(view.markCauses ? [["cause", "hidden cause possible", ring(theme)]] : []),
  ];
}

// [trait, words, why]: what else can be hidden.
export function moreFilters({ edges, classes, canMarkCauses }) {
  const some = (test) => edges.some((edge) => edge.type === "learned" && test(edge));
  const found = [
    ["negative", "Classes that avoid each other", "One makes the other less likely, mostly because a teacher's classes compete for a clip", some((edge) => edge.negative)],
    ["rare", "Links in under half of the bootstraps", "Drawn dashed", some((edge) => edge.frequency !== null && edge.frequency < 0.5)],
    ["null", "Links that shuffled data show as often", "With the relations between classes shuffled away, and the annotations kept, the search finds these at least as often", some((edge) => edge.in_null)],
    ["same", "A class heard with the same class seen", classes ? "The bar inside a sign" : "", some((edge) => edge.same)],
    ["ghost", "Links of the bootstraps alone", "In at least a quarter of the bootstraps, but not in this graph", edges.some((edge) => edge.type === "ghost")],
    ["forbidden", "Pairs that you forbade", "", edges.some((edge) => edge.type === "forbidden")],
    ["node-audio", "Classes as heard", "", true],
    ["node-visual", "Classes as seen", "", true],
    ["cause", "Rings where a hidden common cause is possible", "Of the graph's equivalence class with hidden causes (its PAG), not every member rules it out; no test is made for that", canMarkCauses],
  ];
  return found.filter(([, , , there]) => there);
}

const FLAGS = { same: (view) => !view.hideSameClass, cause: (view) => view.markCauses };

export const isOn = (trait, view) => FLAGS[trait]?.(view) ?? !view.hidden.has(trait);

const toggle = (trait, view, act) => (trait === "same" ? act.hideSameClass(!view.hideSameClass) : act.toggle(trait));

export function fillLegend(root, entries, view, act) {
  root.replaceChildren(
    ...entries.map(([trait, label, sign]) => {
      const why = WHY[trait] ? ` (${WHY[trait]})` : "";
      if (trait === "classes") return element("span", { class: "entry", title: WHY.classes, "data-trait": trait }, sign, element("span", { text: label }));
      const on = isOn(trait, view);
      const attributes = { type: "button", class: "entry", "aria-pressed": String(on), title: `${on ? "Hide" : "Show"}: ${label}${why}` };
      return element("button", { ...attributes, "data-trait": trait, onclick: () => toggle(trait, view, act) }, sign, element("span", { text: label }));
    }),
  );
}

export function fillMore(root, filters, view, act) {
  const off = filters.filter(([trait]) => trait !== "cause" && !isOn(trait, view)).length;
  root.querySelector("summary").textContent = off ? `More filters (${off} hidden)` : "More filters";
  root.querySelector("div").replaceChildren(
    ...filters.map(([trait, words, why]) => {
      const box = element("input", { type: "checkbox", checked: isOn(trait, view), "data-trait": trait, onchange: () => toggle(trait, view, act) });
      return element("label", { title: why }, box, element("span", { text: words }));
    }),
  );
}
