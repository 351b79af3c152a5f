// Groups of classes: a tinted ground each, with a name. From afar they stand for their classes, with ribbons between them.

import { around, corners, hull, isInHull, inside, meet } from "./geometry.js";
import { textWidth } from "./labels.js";
import { fade } from "./theme.js";

const TITLE = { most: 17, least: 11 };
const FEWEST = 2; // links that make a ribbon
const AIR = 7;

export function buildGroups(stage) {
  const { groups } = stage.data.classes ?? { groups: [] };
  return groups.map((group, number) => {
    const members = stage.signs.filter((sign) => sign.group === number);
    const box = around(members.map((sign) => sign.box));
    const parts = [...new Set(members.map((sign) => stage.data.classes.part[Number(sign.key.slice(1))]))].map((part) =>
      hull(members.filter((sign) => stage.data.classes.part[Number(sign.key.slice(1))] === part).flatMap((sign) => corners(sign.box))),
    );
    return { ...group, number, members, box, parts, middle: { x: (box[0] + box[2]) / 2, y: (box[1] + box[3]) / 2 } };
  });
}

export function drawGrounds(context, stage) {
  context.save();
  context.lineJoin = "round";
  context.lineWidth = 2 * AIR * Math.min(1, 1.6 * stage.data.classes.scale);
  for (const group of stage.groups) {
    if (group.members.length < 2) continue;
    context.fillStyle = context.strokeStyle = stage.theme.ground(group.number);
    for (const part of group.parts) {
      context.beginPath();
      part.forEach(({ x, y }, k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
      context.closePath();
      context.fill();
      context.stroke();
    }
  }
  context.restore();
}

// One ribbon between two groups, as wide as there are links.
export function drawRibbons(context, stage) {
  const unit = 1 / stage.network.getScale();
  const count = new Map();
  for (const { a, b, strands } of stage.cables) {
    if (a.group === b.group || a.group < 0 || b.group < 0) continue;
    const key = a.group < b.group ? `${a.group} ${b.group}` : `${b.group} ${a.group}`;
    count.set(key, (count.get(key) ?? 0) + strands.length);
  }
  context.save();
  context.lineCap = "round";
  context.strokeStyle = fade(stage.theme.ghost, 0.34);
  for (const [key, links] of count) {
    if (links < FEWEST) continue;
    const [a, b] = key.split(" ").map((number) => stage.groups[number].middle);
    context.lineWidth = 2.2 * Math.sqrt(links) * unit;
    context.beginPath();
    context.moveTo(a.x, a.y);
    context.quadraticCurveTo((a.x + b.x) / 2 + 0.1 * (b.y - a.y), (a.y + b.y) / 2 - 0.1 * (b.x - a.x), b.x, b.y);
    context.stroke();
  }
  context.restore();
}

// Where the groups' names stand: above the members while these are named, else in their middle, but over none of the boxes
// that are taken.
export function placeTitles(stage, named, taken = []) {
  const unit = 1 / stage.network.getScale();
  const { font } = stage.theme;
  const titles = stage.groups.filter((group) => group.full).map((group) => {
    const { lines, size, x, y } = named ? above(group) : amid(group, unit, font);
    const room = named ? group.titleBox[2] - group.titleBox[0] : undefined;
    const width = Math.max(...lines.map((line) => textWidth([line], size, font, 700)));
    const half = { x: Math.min(width, room ?? width) / 2, y: 0.56 * lines.length * size };
    group.said = [x - half.x, y - half.y, x + half.x, y + half.y];
    return { group, lines, size, x, y, room, box: group.said };
  });
  return titles.filter(({ box }) => !taken.some((other) => meet(other, box)));
}

export function drawTitles(context, stage, named, titles) {
  const { font } = stage.theme;
  context.save();
  context.lineJoin = "round";
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const { group, lines, size, x, y, room } of titles) {
    context.font = `700 ${size}px ${font}`;
    context.strokeStyle = named ? stage.theme.background : stage.theme.ground(group.number);
    context.lineWidth = 0.3 * size;
    context.fillStyle = stage.theme.groupText(group.number);
    lines.forEach((line, k) => {
      const at = [x, y + (k - (lines.length - 1) / 2) * 1.12 * size, room];
      context.strokeText(line, ...at);
      context.fillText(line, ...at);
    });
  }
  context.restore();
}

function above({ text, titleBox: [left, top, right, bottom] }) {
  return { lines: [text], size: 0.86 * (bottom - top), x: (left + right) / 2, y: (top + bottom) / 2 };
}

function amid({ full, box, middle }, unit, font) {
  const [wide, high] = [(box[2] - box[0]) / unit, (box[3] - box[1]) / unit];
  let [lines, size] = [[full], TITLE.most];
  for (; size >= TITLE.least; size -= 1) {
    lines = wrap(full, wide, size, font);
    if (lines.length * size * 1.12 <= high && Math.max(...lines.map((line) => textWidth([line], size, font, 700))) <= wide) break;
  }
  return { lines: lines.slice(0, 4), size: Math.max(size, TITLE.least) * unit, ...middle };
}

function wrap(text, wide, size, font) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (lines.at(-1) && textWidth([longer], size, font, 700) > wide) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

export function groupAt(stage, point) {
  const real = stage.groups.filter((group) => group.full);
  return real.find((group) => group.said && inside(group.said, point)) ?? real.find((group) => group.parts.some((part) => isInHull(part, point)));
}
