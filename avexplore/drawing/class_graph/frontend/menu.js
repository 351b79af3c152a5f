// The right-click menu: what the searcher must respect.

import { element } from "./elements.js";

export function closeMenu(root) {
  root.hidden = true;
  root.replaceChildren();
}

export function openMenu(root, title, entries, x, y, bounds) {
  root.replaceChildren(
    element("p", { class: "menu-title", text: title }),
    ...entries.map(([label, act]) => {
      const onclick = () => {
        closeMenu(root);
        act();
      };
      return element("button", { type: "button", role: "menuitem", text: label, onclick });
    }),
  );
  root.hidden = false;
  root.style.left = `${Math.max(4, Math.min(x, bounds.width - root.offsetWidth - 4))}px`;
  root.style.top = `${Math.max(4, Math.min(y, bounds.height - root.offsetHeight - 4))}px`;
  root.querySelector("button")?.focus();
}

export function edgeEntries(edge, nameOf, send) {
  const [a, b] = [nameOf(edge.from), nameOf(edge.to)];
  const rule = (kind, from, to) => () => send({ kind, source: from, target: to });
  const entries = [];
  if (edge.type !== "forbidden" && edge.knowledge !== "required") {
    entries.push([`Require ${a} → ${b}`, rule("require", edge.from, edge.to)]);
    entries.push([`Require ${b} → ${a}`, rule("require", edge.to, edge.from)]);
    entries.push([`Forbid ${a} → ${b}`, rule("forbid", edge.from, edge.to)]);
    entries.push([`Forbid ${b} → ${a}`, rule("forbid", edge.to, edge.from)]);
    entries.push(["Forbid both directions", rule("forbid-both", edge.from, edge.to)]);
  } else {
    entries.push(["Lift this rule", rule("free", edge.from, edge.to)]);
  }
  return entries;
}

export function nodeEntries(node, nameOf, tiers, send, begin) {
  const name = nameOf(node.id);
  const entries = [
    [`Require an edge from ${name} to …`, () => begin("require", node.id)],
    [`Forbid an edge from ${name} to …`, () => begin("forbid", node.id)],
  ];
  for (let tier = 1; tier <= Math.min(tiers + 1, 6); tier++) {
    if (node.tier !== tier) entries.push([`Put into tier ${tier}`, () => send({ kind: "tier", source: node.id, tier })]);
  }
  if (node.tier) entries.push(["Take out of its tier", () => send({ kind: "tier", source: node.id, tier: 0 })]);
  return entries;
}
