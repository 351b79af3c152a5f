// What a point is, in a few words beside the pointer.

import { classOf, titleOf } from "./words.js";

const SAID = new Set(["class", "modality"]); // in a line of their own

export function showTip(maps, pane, i, x, y) {
  const { tip, head, facets } = maps;
  tip.hidden = i < 0;
  if (i < 0) return;
  const clip = i % head.clips;
  const lines = [titleOf(maps, clip), classOf(maps, i)];
  for (const facet of facets) {
    if (!SAID.has(facet.name)) lines.push(`${facet.title}: ${facet.entries[facet.code[i]].name}`);
  }
  tip.replaceChildren(...lines.map((text) => Object.assign(document.createElement("div"), { textContent: text })));
  const stage = pane.marks.getBoundingClientRect(), box = maps.box.getBoundingClientRect();
  const left = stage.left - box.left + x, width = tip.offsetWidth;
  tip.style.left = `${left + 16 + width > box.width ? Math.max(0, left - width - 14) : left + 16}px`;
  tip.style.top = `${stage.top - box.top + y + 14}px`;
}

export function hideTip(maps) {
  maps.tip.hidden = true;
}
