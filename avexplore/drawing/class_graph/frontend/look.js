// Which links are visible, and how a strand of a cable looks.

// What a filled head says: a direction that may be read.
export function hasArrow(edge) {
  return edge.directed && edge.settled;
}

export function strength(edge) {
  return edge.frequency ?? edge.rank ?? 1;
}

// The filters that a link answers to.
export function traits(edge) {
  if (edge.type === "forbidden") return ["forbidden"];
  const found = [`edge-${edge.group}`];
  if (edge.type === "ghost") found.push("ghost");
  else found.push(hasArrow(edge) ? "directed" : "undirected");
  if (edge.negative) found.push("negative");
  if (edge.in_null) found.push("null");
  if (edge.doubtful) found.push("doubtful");
  if (edge.type === "learned" && !edge.strong && !edge.same) found.push("weak");
  if (edge.frequency !== null && edge.frequency < 0.5 && edge.type !== "ghost") found.push("rare");
  if (edge.change) found.push(`change-${edge.change}`);
  return found;
}

export function isVisible(edge, view) {
  if (view.hideSameClass && edge.same) return false;
  if (edge.type === "forbidden") return !view.hidden.has("forbidden");
  if (traits(edge).some((trait) => view.hidden.has(trait))) return false;
  return edge.knowledge === "required" || strength(edge) >= view.threshold - 1e-9;
}

// Width and opacity follow the evidence.
export function strandLook(edge, state, theme, unit) {
  const value = Math.min(1, Math.abs(edge.evidence));
  let color = edge.change ? theme.change[edge.change] : theme.edge[edge.group];
  let width = (1.6 + 4 * value) * unit;
  let alpha = 0.5 + 0.5 * Math.min(1, value / 0.5);
  let dashes = edge.frequency !== null && edge.frequency < 0.5 ? [7 * unit, 5 * unit] : [];
  if (edge.negative) alpha *= 0.7;
  if (edge.change === "kept") alpha = 0.5;
  else if (edge.change) [alpha, width] = [0.95, Math.max(width, 2.2 * unit)];
  if (edge.change === "removed") dashes = [4 * unit, 4 * unit];
  if (edge.type === "ghost") [color, dashes, width, alpha] = [theme.ghost, [1.5, 4], 1.4 * unit, 0.7];
  if (edge.type === "forbidden") [color, dashes, width, alpha] = [theme.forbidden, [2, 6], 1.4 * unit, 0.8];
  if (state === "dim") alpha = 0.06;
  if (state === "dim-half") alpha *= 0.3;
  if (state === "strong") [alpha, width] = [1, width + 1.2 * unit];
  return { color, width, alpha, dashes };
}
