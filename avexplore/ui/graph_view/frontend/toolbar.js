// The line above the picture: search, live threshold, reach of the focus, and what to do with the view.

import { element, iconButton } from "./elements.js";

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
    title: "Hide edges that come back in fewer bootstraps than this (keys + and -)",
    oninput: () => act.threshold(Number(slider.value), false),
    onchange: () => act.threshold(Number(slider.value), true),
  });
  const value = element("output", { class: "value" });
  const label = element("span", { class: "label", text: "Stability" });
  const hops = element(
    "select",
    { "aria-label": "Focus", title: "Show only what is within so many steps of the selected class (key f)", onchange: () => act.hops(Number(hops.value)) },
    ...[["0", "Whole graph"], ["1", "Focus: 1 step"], ["2", "Focus: 2 steps"], ["3", "Focus: 3 steps"]].map(([v, text]) => element("option", { value: v, text })),
  );
  const undo = iconButton("undo", "Undo the last change of a rule or control (u)", () => act.undo());
  const redo = iconButton("redo", "Redo", () => act.redo());
  root.append(
    search,
    element("label", { class: "slider" }, label, slider, value),
    hops,
    element("span", { class: "spring" }),
    undo,
    redo,
    iconButton("fit", "Fit the picture into its frame", () => act.fit()),
    iconButton("picture", "Save the picture as PNG", () => act.save()),
    iconButton("keys", "Keys and clicks (?)", () => act.help()),
    iconButton("fullscreen", "Full screen", () => act.fullscreen()),
  );
  return { search, slider, value, label, hops, undo, redo };
}

export function updateToolbar(parts, view, data) {
  if (parts.search.value !== view.search && parts.search !== parts.search.getRootNode().activeElement) parts.search.value = view.search;
  parts.slider.value = view.threshold;
  const share = Math.round(100 * view.threshold);
  parts.value.textContent = data.measure === "frequency" ? `≥ ${share} %` : `top ${100 - share} %`;
  parts.label.textContent = data.measure === "frequency" ? "Stability" : "Strength";
  parts.hops.value = String(view.focus?.hops ?? 0);
  parts.undo.disabled = !data.canUndo;
  parts.redo.disabled = !data.canRedo;
}
