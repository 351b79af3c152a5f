// The line above the picture: search, live threshold, reach of the focus, and what to do with the view.

import { element, iconButton } from "./elements.js";
import { percent } from "./narrate.js";

export function buildToolbar(root, act) {
  const search = element("input", {
    type: "search",
    placeholder: "Find a class",
    "aria-label": "Find a class",
    title: "Marks every class whose name holds this text; Enter selects the first",
    oninput: () => act.search(search.value),
    onkeydown: (event) => {
      event.stopPropagation();
      if (event.key === "Enter") act.selectFound();
      if (event.key === "Escape") act.search((search.value = ""));
    },
  });
  const slider = element("input", {
    type: "range",
    min: 0,
    max: 1,
    step: 0.01,
    class: "threshold",
    "aria-label": "Stability threshold",
    title: "Hide links that come back in fewer bootstraps than this (keys + and -)",
    oninput: () => act.threshold(Number(slider.value), false),
    onchange: () => act.threshold(Number(slider.value), true),
  });
  const value = element("output", { class: "value" });
  const label = element("span", { class: "label" });
  const strongest = element("input", { type: "checkbox", class: "strongest", onchange: () => act.toggle("weak") });
  const most = element("span");
  const why = "Those for which most speaks: how often the bootstraps hold a link, times the correlation of its two soft labels, times the probability that such classes come together";
  const likely = element("input", { type: "checkbox", onchange: () => act.toggle("doubtful") });
  const likelyWhy = "Hide links between classes that are less than probably true to come together, by their soft labels alone: repeating in bootstraps is not being right";
  const likelyLabel = element("label", { title: likelyWhy }, likely, element("span", { text: "probably true only" }));
  const hops = element(
    "select",
    { "aria-label": "Focus", title: "Show only what is within so many steps of the selected class (key f)", onchange: () => act.hops(Number(hops.value)) },
    ...[["0", "Whole graph"], ["1", "Focus: 1 step"], ["2", "Focus: 2 steps"], ["3", "Focus: 3 steps"]].map(([v, text]) => element("option", { value: v, text })),
  );
  const undo = iconButton("undo", "Undo the last change of a rule or control (u)", () => act.undo());
  const redo = iconButton("redo", "Redo", () => act.redo());
  root.append(
    search,
    hops,
    element("label", { class: "slider" }, label, slider, value),
    element("label", { title: why }, strongest, most),
    likelyLabel,
    element("span", { class: "spring" }),
    element(
      "span",
      { class: "icons" },
      undo,
      redo,
      iconButton("fit", "Fit the picture into its frame", () => act.fit()),
      iconButton("picture", "Save the picture as PNG", () => act.save()),
      iconButton("keys", "Keys and clicks (?)", () => act.help()),
      iconButton("fullscreen", "Full screen", () => act.fullscreen()),
    ),
  );
  return { search, slider, value, label, strongest, most, likely, likelyLabel, hops, undo, redo };
}

export function updateToolbar(parts, view, data) {
  const isFrequency = data.measure === "frequency";
  if (parts.search.value !== view.search && parts.search !== parts.search.getRootNode().activeElement) parts.search.value = view.search;
  parts.slider.value = view.threshold;
  parts.value.textContent = isFrequency ? `≥ ${percent(view.threshold)}` : `top ${percent(1 - view.threshold)}`;
  parts.label.textContent = isFrequency ? "Stability" : "Strength";
  parts.strongest.checked = view.hidden.has("weak");
  parts.most.textContent = `the ${data.strongest} strongest only`;
  parts.likelyLabel.hidden = !data.edges.some((edge) => edge.doubtful);
  parts.likely.checked = view.hidden.has("doubtful");
  parts.hops.value = String(view.focus?.hops ?? 0);
  parts.undo.hidden = parts.redo.hidden = Boolean(data.standalone);
  parts.undo.disabled = !data.canUndo;
  parts.redo.disabled = !data.canRedo;
}
