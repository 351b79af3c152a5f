// The picture in words, for screen readers and for the line under the picture.

import { hasArrow, strength } from "./look.js";

// Half a percent goes to the even number, as Python rounds in the panel and the table.
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0, roundingMode: "halfEven", useGrouping: false });

export const percent = (value) => `${whole.format(100 * value)} %`;

// `against`: how many links that reach the threshold are left out because their classes avoid each other.
export function edgeCount(shown, total, { measure, compared }, { threshold, hidden }, against) {
  const of = compared ? `of the ${total} links of both graphs` : `of ${total} links`;
  const found = [];
  if (hidden.has("weak")) found.push("those for which most speaks");
  if (threshold > 0) found.push(measure === "frequency" ? `in at least ${percent(threshold)} of the bootstraps` : `the first by ${measure}`);
  const what = found.length ? `: ${found.join(", ")}` : "";
  const without = against ? `; ${against} between classes that avoid each other are hidden` : "";
  return `${shown} ${of} shown${what}${without}.`;
}

// How little of what is drawn may be read as more than a link.
export function whatHolds(edges, { measure }) {
  if (measure !== "frequency") return edges.some((edge) => edge.directed && !hasArrow(edge)) ? " Directions are open until the bootstraps are done." : "";
  return edges.length ? ` ${edges.filter(hasArrow).length} have a settled direction.` : "";
}

export function describeNode(node, edges, nameOf) {
  const parents = edges.filter((e) => hasArrow(e) && e.to === node.id).map((e) => nameOf(e.from));
  const children = edges.filter((e) => hasArrow(e) && e.from === node.id).map((e) => nameOf(e.to));
  const others = edges
    .filter((e) => !hasArrow(e) && (e.from === node.id || e.to === node.id))
    .map((e) => nameOf(e.from === node.id ? e.to : e.from));
  const list = (names, label) => (names.length ? `${label}: ${names.join(", ")}. ` : "");
  return `${nameOf(node.id)}. ${list(parents, "Points here")}${list(children, "Points to")}${list(others, "Linked without settled direction")}`.trim();
}

export function describeEdge(edge, nameOf, { markCauses }) {
  const link = hasArrow(edge) ? "points to" : "is linked with";
  const sure = edge.frequency === null ? "" : `, in ${percent(strength(edge))} of the bootstraps`;
  const cause = markCauses && edge.hidden_cause ? " A hidden common cause is possible." : "";
  return `${nameOf(edge.from)} ${link} ${nameOf(edge.to)}${sure}.${cause}`;
}

export function describePath(path, nameOf, start, goal) {
  const [a, b] = [nameOf(start), nameOf(goal)];
  const sure = path.settled === path.edges.size ? "" : ` (${path.settled} with a settled direction)`;
  const size = `${path.edges.size} edge${path.edges.size === 1 ? "" : "s"}${sure}`;
  if (path.kind === "none") return `Nothing that is shown connects ${a} with ${b}.`;
  if (path.kind === "directed") return `${size} on the directed paths from ${a} to ${b}.`;
  if (path.kind === "opposite") return `No directed path there; ${size} on those from ${b} to ${a}.`;
  return `No directed path; the shortest connection of ${a} and ${b} has ${size}.`;
}
