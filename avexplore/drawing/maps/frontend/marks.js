// What lies above the points of a pane: names of classes, rings around what is pointed at and picked, what is drawn
// around, and where chosen points came from while they move.

import { placeOf, projection } from "./camera.js";
import { placeNames, writeNames } from "./names.js";
import { css, fromHex } from "./theme.js";

const MOST_TAILS = 1500;
const MOST_NAMES = 40; // at the whole map; more on a closer look

export function drawMarks(maps) {
  for (const pane of maps.panes) {
    const pen = pane.marks.getContext("2d");
    pen.setTransform(pane.ratio, 0, 0, pane.ratio, 0, 0);
    pen.clearRect(0, 0, pane.w, pane.h);
    if (pane.k === 0 && maps.morph > 0 && maps.isNarrowed) drawTails(pen, maps, pane);
    drawNames(pen, maps, pane);
    drawRings(pen, maps, pane, maps.hover, css(maps.theme.ink), 7);
    drawRings(pen, maps, pane, maps.picked, css(maps.theme.accent), 9);
    if (maps.lasso?.k === pane.k) drawLasso(pen, maps);
  }
}

// Classes with most chosen points first; those without any have no name.
function drawNames(pen, maps, pane) {
  const { theme, head, isNarrowed } = maps, way = pane.k ? 1 : maps.morph, side = theme.isDark ? 1 : 0;
  const { scale, dx, dy } = projection(maps, pane);
  const names = [];
  for (const [code, x0, y0, x1, y1] of head.names) {
    const weight = maps.countOfClass(code);
    if (isNarrowed && !weight) continue;
    const at = [dx + scale * (x0 * (1 - way) + x1 * way), dy - scale * (y0 * (1 - way) + y1 * way)];
    const entry = maps.classes.entries[code];
    names.push({ text: entry.name, at, weight, color: css(fromHex(entry.inks[side])) });
  }
  names.sort((a, b) => b.weight - a.weight);
  pen.font = `600 13px ${theme.font}`;
  pane.names = placeNames(pen, names, { width: pane.w, height: pane.h, most: MOST_NAMES * maps.camera.k ** 2 });
  writeNames(pen, pane.names, css(theme.paper), (name) => name.color);
}

function drawRings(pen, maps, pane, i, color, radius) {
  if (i < 0 || i >= maps.points) return;
  const [x, y] = placeOf(maps, pane, i), [px, py] = placeOf(maps, pane, maps.partner(i));
  pen.strokeStyle = color;
  pen.lineWidth = 1;
  pen.globalAlpha = 0.7;
  pen.setLineDash([3, 3]);
  line(pen, x, y, px, py);
  pen.setLineDash([]);
  ring(pen, px, py, radius - 3);
  pen.globalAlpha = 1;
  for (const [width, stroke] of [[5, css(maps.theme.paper)], [2.5, color]]) {
    pen.lineWidth = width;
    pen.strokeStyle = stroke;
    ring(pen, x, y, radius);
  }
}

function line(pen, x0, y0, x1, y1) {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}

function ring(pen, x, y, radius) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen.stroke();
}

function drawLasso(pen, maps) {
  const { path } = maps.lasso;
  pen.strokeStyle = pen.fillStyle = css(maps.theme.accent);
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (let i = 0; i < path.length; i += 2) pen.lineTo(path[i], path[i + 1]);
  pen.closePath();
  pen.stroke();
  pen.globalAlpha = 0.08;
  pen.fill();
  pen.globalAlpha = 1;
}

function drawTails(pen, maps, pane) {
  if (maps.count > MOST_TAILS) return;
  const { scale, dx, dy, way } = projection(maps, pane), { xy, chosen } = maps;
  pen.strokeStyle = css(maps.theme.ink);
  pen.globalAlpha = 0.35;
  pen.lineWidth = 1;
  pen.beginPath();
  for (let i = 0; i < maps.points; i++) {
    if (!chosen[i]) continue;
    const j = 4 * i, x = xy[j], y = xy[j + 1];
    pen.moveTo(dx + scale * x, dy - scale * y);
    pen.lineTo(dx + scale * (x + (xy[j + 2] - x) * way), dy - scale * (y + (xy[j + 3] - y) * way));
  }
  pen.stroke();
  pen.globalAlpha = 1;
}
