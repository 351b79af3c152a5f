// The picture in words, for screen readers and for the line under the toolbar.

import { strength } from "./look.js";

const percent = (value) => `${Math.round(100 * value)} %`;

export function edgeCount(shown, total, { measure, compared }, threshold, against) {
  const what = measure === "frequency" ? `: those in at least ${percent(threshold)} of the bootstraps` : `: the strongest by ${measure}`;
  const of = compared ? `of the ${total} edges of both graphs` : `of ${total} edges`;
  const without = against ? `, without ${against} that go against each other` : "";
  return `${shown} ${of} shown${threshold > 0 ? what : ""}${without}`;
}

export function describeNode(node, edges, nameOf) {
  const parents = edges.filter((e) => e.directed && e.to === node.id).map((e) => nameOf(e.from));
  const children = edges.filter((e) => e.directed && e.from === node.id).map((e) => nameOf(e.to));
  const others = edges
    .filter((e) => !e.directed && (e.from === node.id || e.to === node.id))
    .map((e) => nameOf(e.from === node.id ? e.to : e.from));
  const list = (names, label) => (names.length ? `${label}: ${names.join(", ")}. ` : "");
  return `${nameOf(node.id)}. ${list(parents, "Points here")}${list(children, "Points to")}${list(others, "Linked without direction")}`.trim();
}

export function describeEdge(edge, nameOf) {
  const link = edge.directed ? "points to" : "is linked with";
  const sure = edge.frequency === null ? "" : `, in ${percent(strength(edge))} of the bootstraps`;
  return `${nameOf(edge.from)} ${link} ${nameOf(edge.to)}${sure}.`;
}

export function describePath(path, nameOf, start, goal) {
  const [a, b] = [nameOf(start), nameOf(goal)];
  const size = `${path.edges.size} edge${path.edges.size === 1 ? "" : "s"}`;
  if (path.kind === "none") return `Nothing that is shown connects ${a} with ${b}.`;
  if (path.kind === "directed") return `${size} on the directed paths from ${a} to ${b}.`;
  if (path.kind === "opposite") return `No directed path there; ${size} on those from ${b} to ${a}.`;
  return `No directed path; the shortest connection of ${a} and ${b} has ${size}.`;
}
