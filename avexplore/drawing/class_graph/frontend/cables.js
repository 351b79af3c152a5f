// Links as they are drawn: all links of two signs run side by side as one cable, a strand for each pair of modalities.

import { curve, distance, inside, meet, polyline } from "./geometry.js";
import { hasArrow, strandLook } from "./look.js";
import { fade } from "./theme.js";

const GAP = 1.2;

// From visible edges to cables, the weakest first, so that the strongest are drawn above.
export function buildCables(stage) {
  const { data } = stage;
  const sign = new Map(stage.signs.flatMap((one) => one.nodes.map((node) => [node.id, one])));
  const found = new Map();
  stage.bars = new Map();
  for (const edge of stage.visible) {
    const [from, to] = [sign.get(edge.from), sign.get(edge.to)];
    if (from === to) {
      stage.bars.set(from.key, edge);
      continue;
    }
    const turned = Boolean(data.classes) && from.key > to.key;
    const key = data.classes ? (turned ? `${to.key} ${from.key}` : `${from.key} ${to.key}`) : edge.id;
    if (!found.has(key)) found.set(key, { a: turned ? to : from, b: turned ? from : to, bend: turned ? -edge.bend : edge.bend, edges: [] });
    found.get(key).edges.push(edge);
  }
  const unit = Math.max(data.classes?.scale ?? 1, 0.3);
  const cables = [...found.values()].map((cable) => lay(cable, unit, stage));
  return cables.sort((one, other) => one.strength - other.strength);
}

const ORDER = { audio: 0, across: 1, visual: 2 };

function lay({ a, b, bend, edges }, unit, stage) {
  const line = curve(a, b, bend);
  edges.sort((one, other) => ORDER[one.group] - ORDER[other.group] || one.id.localeCompare(other.id));
  const looks = edges.map((edge) => strandLook(edge, stage.states.get(edge.id), stage.theme, unit));
  const total = looks.reduce((sum, look) => sum + look.width, 0) + GAP * unit * (edges.length - 1);
  // A cable is wide: it keeps half its width away from a name.
  const isCovered = ({ x, y, radius, name }, point) => {
    if (Math.hypot(point.x - x, point.y - y) < radius * 1.12 + 1.5) return true;
    return Boolean(name) && inside([name[0] - total / 2, name[1] - total / 2, name[2] + total / 2, name[3] + total / 2], point);
  };
  // A line ends where the sign or the name of its class begins, so that none runs through its own name.
  let [first, last] = [0, line.length - 1];
  while (first < last && isCovered(a, line[first])) first += 1;
  while (last > first && isCovered(b, line[last])) last -= 1;
  const heads = [];
  // Between signs that are close together, heads are short enough to leave a piece of the strands between them.
  const room = Math.hypot(line[last].x - line[first].x, line[last].y - line[first].y);
  const size = Math.min(Math.max(8 * Math.min(1, 2.5 * unit), 10 * unit) + 0.7 * total, 20 * Math.max(unit, 0.6), 0.4 * room);
  for (const [end, node] of [["a", a], ["b", b]]) {
    const ids = new Set(node.nodes.map((one) => one.id));
    const aimed = edges.map((edge, k) => [edge, looks[k]]).filter(([edge]) => edge.directed && edge.type === "learned" && ids.has(edge.to));
    if (!aimed.length) continue;
    const [edge, look] = aimed.find(([one]) => hasArrow(one)) ?? aimed[0];
    const forward = end === "b";
    const tip = line[forward ? last : first];
    let base = forward ? last : first;
    while (base > first - 1 && base < last + 1 && line[base] && Math.hypot(line[base].x - tip.x, line[base].y - tip.y) < size) base += forward ? -1 : 1;
    base = Math.min(Math.max(base, 0), line.length - 1);
    const back = line[base];
    heads.push({ tip, back, size, edge, look, filled: hasArrow(edge), bar: edge.negative });
    if (forward) last = Math.max(base, first);
    else first = Math.min(base, last);
  }
  let at = -total / 2;
  const body = line.slice(first, last + 1);
  const strands = edges.map((edge, k) => {
    const shift = at + looks[k].width / 2;
    at += looks[k].width + GAP * unit;
    return { edge, look: looks[k], points: body.map((p) => ({ x: p.x + p.nx * shift, y: p.y + p.ny * shift })) };
  });
  const xs = line.map((p) => p.x);
  const ys = line.map((p) => p.y);
  const box = [Math.min(...xs) - total, Math.min(...ys) - total, Math.max(...xs) + total, Math.max(...ys) + total];
  const strength = Math.max(...edges.map((edge) => Math.abs(edge.evidence)));
  return { a, b, strands, heads, box, strength, unit };
}

// `faintness` tells how much of a cable's opacity is left, 0 for none, by what it links.
export function drawCables(context, stage, faintness, heads = true) {
  const { theme } = stage;
  context.save();
  context.lineJoin = "round";
  for (const cable of stage.cables) {
    const share = faintness(cable);
    if (!share) continue;
    for (const { look, points } of cable.strands) {
      context.strokeStyle = fade(look.color, look.alpha * share);
      context.lineWidth = look.width;
      context.setLineDash(look.dashes);
      polyline(context, points);
      context.stroke();
    }
    context.setLineDash([]);
    if (!heads) continue;
    for (const head of cable.heads) drawHead(context, head, share, theme);
    if (stage.view.markCauses) drawRings(context, cable, share, theme);
  }
  context.restore();
}

// A hidden common cause is possible: a ring on the strand, those of one cable one after the other.
function drawRings(context, { strands, unit }, share, theme) {
  strands.forEach(({ edge, look, points }, k) => {
    const at = points[Math.round(((k + 1) / (strands.length + 1)) * (points.length - 1))];
    if (edge.hidden_cause && at) drawRing(context, at, 0.5 * look.width + 3.2 * unit, look.color, look.alpha * share, theme);
  });
}

export function drawRing(context, { x, y }, radius, color, alpha, { background }) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fade(background, alpha);
  context.fill();
  context.strokeStyle = fade(color, alpha);
  context.lineWidth = 0.4 * radius;
  context.stroke();
}

function drawHead(context, { tip, back, size, look, filled, bar }, share, theme) {
  const [dx, dy] = [tip.x - back.x, tip.y - back.y];
  const length = Math.hypot(dx, dy) || 1;
  const side = { x: (-dy / length) * size * 0.42, y: (dx / length) * size * 0.42 };
  const color = fade(look.color, Math.min(1, look.alpha + 0.2) * share);
  context.strokeStyle = color;
  context.lineWidth = Math.max(1.6, 0.13 * size);
  context.beginPath();
  if (bar) {
    context.moveTo(tip.x + side.x, tip.y + side.y);
    context.lineTo(tip.x - side.x, tip.y - side.y);
    context.moveTo(tip.x, tip.y);
    context.lineTo(back.x, back.y);
    context.stroke();
    return;
  }
  context.moveTo(tip.x, tip.y);
  context.lineTo(back.x + side.x, back.y + side.y);
  context.lineTo(back.x - side.x, back.y - side.y);
  context.closePath();
  context.fillStyle = filled ? color : theme.background;
  context.fill();
  context.stroke();
}

// The edge whose strand is nearest to a point, within some reach.
export function strandAt(stage, point, reach) {
  let [best, nearest] = [undefined, Infinity];
  for (const cable of stage.cables) {
    if (!meet(cable.box, [point.x - reach, point.y - reach, point.x + reach, point.y + reach])) continue;
    for (const { edge, look, points } of cable.strands) {
      const away = distance(points, point);
      if (away < look.width / 2 + reach && away < nearest) [best, nearest] = [edge.id, away];
    }
    for (const { tip, back, edge } of cable.heads) {
      const away = distance([tip, back], point);
      if (away < reach && away < nearest) [best, nearest] = [edge.id, away];
    }
  }
  return best;
}

// Points along an edge as it is drawn, or null.
export function strandOf(stage, id) {
  for (const cable of stage.cables) {
    const strand = cable.strands.find(({ edge }) => edge.id === id);
    if (strand) return strand.points;
  }
  for (const sign of stage.signs) if (stage.bars.get(sign.key)?.id === id) return [sign, sign];
  return null;
}
