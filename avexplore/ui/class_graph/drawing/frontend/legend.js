// What the signs mean; a click on an entry hides or shows what it stands for.

import { drawing, element } from "./elements.js";

function line(color, { dashes = "", arrow = false, bar = false, width = 2.5 } = {}) {
  const shapes = [["path", { d: arrow ? "M1 6h20" : "M1 6h26", stroke: color, "stroke-width": width, "stroke-dasharray": dashes, fill: "none" }]];
  if (arrow) shapes.push(["path", { d: "M20 2l7 4-7 4z", fill: color }]);
  if (bar) shapes.push(["path", { d: "M26 1v10", stroke: color, "stroke-width": 2.5 }]);
  return drawing(28, 12, ...shapes);
}

function dot(theme, modality) {
  const style = { fill: theme.node[modality], stroke: theme.rim[modality], "stroke-width": 1.2 };
  const shape = modality === "audio" ? ["circle", { cx: 7, cy: 7, r: 5, ...style }] : ["rect", { x: 2, y: 2, width: 10, height: 10, ...style }];
  return drawing(14, 14, shape);
}

// An edge between a class heard and the same class seen, which one expects anyway.
function pair(theme) {
  const ends = [
    ["path", { d: "M6 6h16", stroke: theme.edge.across, "stroke-width": 2 }],
    ["circle", { cx: 5, cy: 6, r: 3.5, fill: theme.node.audio }],
    ["rect", { x: 20, y: 2.5, width: 7, height: 7, fill: theme.node.visual }],
  ];
  return drawing(28, 12, ...ends);
}

// An edge between classes that may well not come together.
function question(theme) {
  return drawing(28, 12, ["path", { d: "M1 6h26", stroke: theme.ghost, "stroke-width": 1.3 }], ["circle", { cx: 14, cy: 6, r: 4, fill: "none", stroke: theme.ghost, "stroke-width": 1.3 }]);
}

const WHY = {
  directed: "the bootstraps agree on it",
  undirected: "the bootstraps point either way, or such data cannot tell",
  doubtful: "by their soft labels, fewer than nine in ten such pairs of classes truly come together, or they go against each other",
  null: "with the relations between classes shuffled away these are found as often: annotations alone may explain them",
};

export function legendEntries(edges, theme, compared) {
  const present = new Set(edges.map((edge) => edge.type));
  const entries = [
    ["node-audio", "audio class", dot(theme, "audio")],
    ["node-visual", "visual class", dot(theme, "visual")],
  ];
  if (compared) {
    const changes = new Set(edges.map((edge) => edge.change));
    entries.push(
      ...[
        ["kept", "in both", line(theme.change.kept)],
        ["half", "in both, direction in one", line(theme.change.half)],
        ["reversed", "direction reversed", line(theme.change.reversed)],
        ["added", `only in ${compared.first}`, line(theme.change.added)],
        ["removed", `only in ${compared.second}`, line(theme.change.removed, { dashes: "3 4" })],
      ]
        .filter(([change]) => changes.has(change))
        .map(([change, ...entry]) => [`change-${change}`, ...entry]),
    );
  } else {
    entries.push(
      ["edge-audio", "within audio", line(theme.edge.audio)],
      ["edge-visual", "within visual", line(theme.edge.visual)],
      ["edge-across", "across", line(theme.edge.across)],
    );
  }
  if (edges.some((edge) => edge.same)) entries.push(["same", "same class", pair(theme)]);
  entries.push(
    ["directed", "direction settled", line(theme.ghost, { arrow: true })],
    ["undirected", "direction not settled", line(theme.ghost)],
  );
  if (edges.some((edge) => edge.in_null)) {
    entries.push(["null", "as often in the null model", line(theme.ghost, { dashes: "4 4", width: 1.3 })]);
  }
  if (edges.some((edge) => edge.doubtful)) entries.push(["doubtful", "not probably true", question(theme)]);
  if (edges.some((edge) => edge.negative)) entries.push(["negative", "against each other", line(theme.ghost, { bar: true })]);
  if (edges.some((edge) => edge.frequency !== null)) {
    entries.push(["rare", "under 50 % of bootstraps", line(theme.ghost, { dashes: "6 4" })]);
  }
  if (present.has("ghost")) entries.push(["ghost", "only in bootstraps", line(theme.ghost, { dashes: "1.5 4", width: 2 })]);
  if (present.has("forbidden")) entries.push(["forbidden", "forbidden", line(theme.forbidden, { dashes: "2 5", width: 2 })]);
  return entries;
}

const isOn = (trait, view) => (trait === "same" ? !view.hideSameClass : !view.hidden.has(trait));

export function fillLegend(root, entries, view, act) {
  const toggle = (trait) => (trait === "same" ? act.hideSameClass(!view.hideSameClass) : act.toggle(trait));
  root.replaceChildren(
    ...entries.map(([trait, label, sign]) => {
      const on = isOn(trait, view);
      const attributes = { type: "button", class: "entry", "aria-pressed": String(on), title: `${on ? "Hide" : "Show"}: ${label}${WHY[trait] ? ` (${WHY[trait]})` : ""}` };
      return element("button", { ...attributes, "data-trait": trait, onclick: () => toggle(trait) }, sign, element("span", { text: label }));
    }),
  );
}
