// Names of the classes, above the links, with a halo. Where every class has its box, a name fills it and touches no other;
// elsewhere names have a size that stays readable at any zoom.

import { meet } from "./geometry.js";

const HALO = 4.5;
const LINE = 1.12; // height of a line over the size of its letters
const LARGEST = { normal: 24, large: 40 };
export const READABLE = 10.5; // pixels of a letter
export const READABLE_SMALL = 8; // in a picture beside others, which is no place to read at length
const measuring = document.createElement("canvas").getContext("2d");
const widths = new Map();

// Pixels of a letter, whatever the zoom, where names have no boxes.
export function letterSize(scale, large) {
  return large ? Math.min(22, Math.max(14, 17 * scale)) : Math.min(15, Math.max(READABLE, 13.5 * scale));
}

export function textWidth(lines, size, font, weight = 600) {
  const key = `${weight} ${font}\n${lines.join("\n")}`;
  if (!widths.has(key)) {
    measuring.font = `${weight} 100px ${font}`;
    widths.set(key, Math.max(...lines.map((line) => measuring.measureText(line).width)) / 100);
  }
  return widths.get(key) * size;
}

// Where a name without a box stands beside its sign, in pixels from the sign's middle: anchor of its first line, its box.
export function labelPlace(node, scale, size, font) {
  const gap = node.size * scale + 4;
  const height = size * LINE;
  const width = textWidth(node.lines, size, font);
  const beside = (-(node.lines.length - 1) * height) / 2;
  const [dx, dy, align] =
    node.side === "left" ? [-gap, beside, "right"] : node.side === "right" ? [gap, beside, "left"] : [0, gap + height / 2, "center"];
  const left = dx - (align === "center" ? width / 2 : align === "right" ? width : 0);
  const box = [left, dy - height / 2, left + width, dy + (node.lines.length - 0.5) * height];
  return { dx, dy, align, height, box };
}

const RANK = ["selected", "end", "found", "near", "normal", "quiet", "dim"];
const IMPORTANT = new Set(["selected", "end", "found", "near"]);

// The weightiest state of a sign's halves.
export function stateOf(stage, sign) {
  return RANK[Math.min(...sign.nodes.map((node) => RANK.indexOf(stage.looks.get(node.id))))];
}

// Names with their boxes; `all` names every class, otherwise only those that the reader asks about.
export function placeNames(stage, all) {
  const scale = stage.network.getScale();
  const { font: letters, scale: unit } = stage.data.classes;
  const { font } = stage.theme;
  const largest = stage.hasLargeLetters ? LARGEST.large : LARGEST.normal;
  const asked = stage.signs.filter((sign) => all || IMPORTANT.has(stateOf(stage, sign)));
  asked.sort((a, b) => RANK.indexOf(stateOf(stage, a)) - RANK.indexOf(stateOf(stage, b)));
  const size = Math.min(all ? letters : Math.max(letters, 12.5 / scale), Math.max(largest / scale, READABLE / scale));
  const placed = [];
  for (const sign of asked) {
    const y = sign.y + sign.radius + 3 * unit + (size * LINE) / 2;
    const room = all ? sign.box[2] - sign.box[0] - 6 * unit : undefined;
    const half = textWidth(sign.lines, size, font) / 2;
    const box = [sign.x - half, y - size / 2, sign.x + half, y + (sign.lines.length - 0.5) * LINE * size];
    if (all || !placed.some((other) => meet(other.box, box))) placed.push({ sign, y, size, room, box });
  }
  return placed;
}

export function drawNames(context, stage, names) {
  begin(context, stage.theme);
  context.textAlign = "center";
  for (const { sign, y, size, room } of names) {
    const state = stateOf(stage, sign);
    context.strokeStyle = sign.group >= 0 && stage.groups[sign.group].members.length > 1 ? stage.theme.ground(sign.group) : stage.theme.background;
    context.lineWidth = 0.28 * size;
    context.font = `${IMPORTANT.has(state) ? 600 : 400} ${size}px ${stage.theme.font}`;
    context.globalAlpha = { dim: 0.25, quiet: 0.75 }[state] ?? 1;
    sign.lines.forEach((line, k) => write(context, line, sign.x, y + k * size * LINE, room));
  }
  context.restore();
}

// Names at a readable size, where signs have no boxes for them.
export function drawLabels(context, stage) {
  const scale = stage.network.getScale();
  const size = letterSize(scale, stage.hasLargeLetters);
  const unit = 1 / scale;
  const shown = stage.signs.filter(({ nodes: [node] }) => !stage.view.hidden.has(`node-${node.modality}`));
  shown.sort((a, b) => RANK.indexOf(stateOf(stage, a)) - RANK.indexOf(stateOf(stage, b)) || b.radius - a.radius);
  const taken = [];
  const crowded = shown.length > 60;
  begin(context, stage.theme);
  context.lineWidth = HALO * unit;
  for (const sign of shown) {
    const [node] = sign.nodes;
    const look = stage.looks.get(node.id);
    const important = IMPORTANT.has(look);
    if (look === "dim" && crowded) continue;
    const place = labelPlace(node, scale, size, stage.theme.font);
    if (crowded && !important) {
      const [left, top, right, bottom] = place.box;
      const box = [sign.x * scale + left, sign.y * scale + top, sign.x * scale + right, sign.y * scale + bottom];
      if (taken.some((other) => meet(other, box))) continue;
      taken.push(box);
    }
    context.font = `${important ? "600" : "400"} ${size * unit}px ${stage.theme.font}`;
    context.textAlign = place.align;
    context.globalAlpha = { dim: 0.25, quiet: 0.6 }[look] ?? 1;
    node.lines.forEach((line, k) => write(context, line, sign.x + place.dx * unit, sign.y + (place.dy + k * place.height) * unit));
  }
  context.restore();
}

function begin(context, theme) {
  context.save();
  context.lineJoin = "round";
  context.miterLimit = 2;
  context.textBaseline = "middle";
  context.strokeStyle = theme.background;
  context.fillStyle = theme.text;
}

function write(context, line, x, y, room) {
  context.strokeText(line, x, y, room);
  context.fillText(line, x, y, room);
}

// A short text on a link: its percentage, or the sign of what the reader demanded.
export function drawBadge(context, stage, points, text, color) {
  const unit = 1 / stage.network.getScale();
  const { x, y } = points[Math.floor(points.length / 2)];
  context.save();
  context.font = `600 ${11.5 * unit}px ${stage.theme.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const width = context.measureText(text).width + 9 * unit;
  context.fillStyle = stage.theme.background;
  context.strokeStyle = color;
  context.lineWidth = 1.3 * unit;
  context.beginPath();
  context.roundRect(x - width / 2, y - 9 * unit, width, 18 * unit, 9 * unit);
  context.fill();
  context.stroke();
  context.fillStyle = stage.theme.text;
  context.fillText(text, x, y + 0.5 * unit);
  context.restore();
}
