// From what an edge or node is, and what is being looked at, to how vis-network draws it.

import { fade } from "./theme.js";

export const GROUPS = ["audio", "visual", "across"];

// What the arrowhead says: a direction that may be read.
export function points(edge) {
  return edge.directed && edge.settled;
}

export function strength(edge) {
  return edge.frequency ?? edge.rank ?? 1;
}

// The filters that an edge answers to; each is one entry of the legend.
export function traits(edge) {
  if (edge.type === "forbidden") return ["forbidden"];
  const found = [`edge-${edge.group}`];
  if (edge.type === "ghost") found.push("ghost");
  else found.push(points(edge) ? "directed" : "undirected");
  if (edge.negative) found.push("negative");
  if (edge.in_null) found.push("null");
  if (edge.doubtful) found.push("doubtful");
  if (edge.frequency !== null && edge.frequency < 0.5 && edge.type !== "ghost") found.push("rare");
  if (edge.change) found.push(`change-${edge.change}`);
  return found;
}

export function isVisible(edge, view) {
  if (view.hideSameClass && edge.same) return false;
  if (edge.type === "forbidden") return !view.hidden.has("forbidden");
  if (traits(edge).some((trait) => view.hidden.has(trait))) return false;
  if (edge.knowledge === "required") return true;
  if (edge.change === "removed") return true;
  return strength(edge) >= view.threshold - 1e-9;
}

// An edge that the null model finds as often stands back: it is no finding.
export const IN_NULL = { alpha: 0.65, width: 0.45, dashes: [4, 4] };

export function edgeLook(edge, state, theme) {
  const value = strength(edge);
  let color = edge.change ? theme.change[edge.change] : theme.edge[edge.group];
  let dashes = edge.frequency !== null && edge.frequency < 0.5 ? [7, 5] : false;
  let width = edge.frequency === null ? 1.6 : 0.7 + 2.7 * value ** 1.5;
  let alpha = (0.3 + 0.6 * value) * (edge.negative ? 0.6 : 1);
  if (edge.in_null) [alpha, width, dashes] = [IN_NULL.alpha, width * IN_NULL.width, IN_NULL.dashes];
  if (edge.change === "kept") alpha = 0.45;
  else if (edge.change) [alpha, width] = [0.95, Math.max(width, 2.2)];
  if (edge.change === "removed") dashes = [3, 4];
  if (edge.type === "ghost") [color, dashes, width, alpha] = [theme.ghost, [1.5, 4], 1.4, 0.7];
  if (edge.type === "forbidden") [color, dashes, width, alpha] = [theme.forbidden, [2, 6], 1.4, 0.8];
  if (state === "dim") alpha = 0.06;
  if (state === "dim-half") alpha *= 0.35;
  if (state === "strong") [alpha, width] = [1, width + 1.2];
  const shade = fade(color, alpha);
  const bend = edge.bend ?? 0;
  return {
    id: edge.id,
    from: edge.from,
    to: edge.to,
    color: { color: shade, highlight: fade(color, 1), hover: fade(color, 1), inherit: false },
    width,
    dashes,
    arrows: {
      to: { enabled: points(edge) && edge.type !== "ghost", type: edge.negative ? "bar" : "arrow", scaleFactor: edge.in_null ? 0.62 : 0.42 + 0.05 * width },
    },
    smooth: bend === 0 ? false : { enabled: true, type: bend > 0 ? "curvedCW" : "curvedCCW", roundness: Math.abs(bend) },
    title: edge.title,
  };
}

export function nodeLook(node, state, theme) {
  const alpha = { dim: 0.15, quiet: 0.45 }[state] ?? 1;
  const marked = state === "selected" || state === "found" || state === "end";
  const rim = marked ? theme.text : theme.rim[node.modality];
  const colors = { background: fade(theme.node[node.modality], alpha), border: fade(rim, alpha) };
  return {
    id: node.id,
    shape: node.modality === "visual" ? "square" : "dot",
    size: node.size,
    borderWidth: marked ? 3.5 : 1.2,
    borderWidthSelected: 3.5,
    color: { ...colors, highlight: { ...colors, border: theme.text }, hover: colors },
    title: node.title,
  };
}
