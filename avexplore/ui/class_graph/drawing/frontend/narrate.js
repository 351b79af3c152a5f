// The picture in words, for screen readers and for the line under the toolbar.

import { points, strength } from "./look.js";

// Half a percent goes to the even number, as Python rounds in the panel and the table.
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0, roundingMode: "halfEven", useGrouping: false });

export const percent = (value) => `${whole.format(100 * value)} %`;

export function edgeCount(shown, total, { measure, compared }, threshold, against) {
  const what = measure === "frequency" ? `: those in at least ${percent(threshold)} of the bootstraps` : `: the strongest by ${measure}`;
  const of = compared ? `of the ${total} edges of both graphs` : `of ${total} edges`;
  const without = against ? `, without ${against} that go against each other` : "";
  return `${shown} ${of} shown${threshold > 0 ? what : ""}${without}.`;
}

// How little of what is drawn may be read as more than a link. `hidden`: how many edges are left out because of the null model.
export function whatHolds(edges, { measure, nullKnown }, hidden) {
  if (measure !== "frequency") return edges.some((e) => e.directed && !points(e)) ? " Directions are not settled until the bootstraps are done." : "";
  if (!edges.length) return "";
  const asOften = edges.filter((edge) => edge.in_null).length;
  const found = hidden ? `${hidden} that the null model finds at least as often are hidden` : `${asOften} are found at least as often under the null model`;
  return ` ${edges.filter(points).length} have a settled direction${nullKnown ? `; ${found}` : ""}.`;
}

export function describeNode(node, edges, nameOf) {
  const parents = edges.filter((e) => points(e) && e.to === node.id).map((e) => nameOf(e.from));
  const children = edges.filter((e) => points(e) && e.from === node.id).map((e) => nameOf(e.to));
  const others = edges
    .filter((e) => !points(e) && (e.from === node.id || e.to === node.id))
    .map((e) => nameOf(e.from === node.id ? e.to : e.from));
  const list = (names, label) => (names.length ? `${label}: ${names.join(", ")}. ` : "");
  return `${nameOf(node.id)}. ${list(parents, "Points here")}${list(children, "Points to")}${list(others, "Linked without settled direction")}`.trim();
}

export function describeEdge(edge, nameOf) {
  const link = points(edge) ? "points to" : "is linked with";
  const sure = edge.frequency === null ? "" : `, in ${percent(strength(edge))} of the bootstraps`;
  return `${nameOf(edge.from)} ${link} ${nameOf(edge.to)}${sure}.`;
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
