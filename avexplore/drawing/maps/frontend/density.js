// Where there are more points than pixels to tell them apart: how many lie in each small cell, in the mean of their
// colors, on a scale of logarithms.

import { FRONT, REST } from "./look.js";

export const CELL = 2; // device pixels
const SLICE = 10_000;
const PALEST = 0.22;

// A generator, so that a map of a million points is painted between two frames, a slice at a time. Fills a picture of
// W x H device pixels and returns the points within it where they are few enough to be drawn one by one, else null.
export function* paintDensity(out, W, H, maps, { scale, dx, dy, way }, most) {
  const { xy, points, look, theme } = maps, back = 1 - way;
  const across = Math.ceil(W / CELL), down = Math.ceil(H / CELL), cells = across * down;
  const { sums, within } = cleared(cells, most);
  let count = 0;
  for (let begin = 0; begin < points; begin += SLICE) {
    const end = Math.min(points, begin + SLICE);
    for (let i = begin; i < end; i++) {
      const layer = look.layer[i];
      if (!layer) continue;
      const j = 4 * i, x = dx + scale * (xy[j] * back + xy[j + 2] * way), y = dy - scale * (xy[j + 1] * back + xy[j + 3] * way);
      if (!(x >= 0 && y >= 0 && x < W && y < H)) continue;
      if (count < most) within[count] = i;
      count++;
      const at = 4 * (((y / CELL) | 0) * across + ((x / CELL) | 0)), sum = sums[layer], color = look.colors[FRONT][look.code[i]];
      sum[at]++;
      sum[at + 1] += color[0];
      sum[at + 2] += color[1];
      sum[at + 3] += color[2];
    }
    yield;
  }
  if (count <= most) return within.subarray(0, count);
  const shade = [null];
  for (const [layer, full] of [[REST, 0.3], [FRONT, 1]]) {
    shade[layer] = shades(sums[layer], full);
    yield;
  }
  const [pr, pg, pb] = theme.paper;
  for (let cy = 0; cy < down; cy++) {
    for (let cx = 0; cx < across; cx++) {
      let r = pr, g = pg, b = pb;
      const cell = cy * across + cx;
      for (const layer of [REST, FRONT]) {
        const share = shade[layer][cell];
        if (!share) continue;
        const sum = sums[layer], n = sum[4 * cell];
        r += (sum[4 * cell + 1] / n - r) * share;
        g += (sum[4 * cell + 2] / n - g) * share;
        b += (sum[4 * cell + 3] / n - b) * share;
      }
      const store = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
      for (let y = cy * CELL; y < Math.min(H, (cy + 1) * CELL); y++) out.fill(store, y * W + cx * CELL, Math.min((y + 1) * W, y * W + (cx + 1) * CELL));
    }
    if (cy % 24 === 23) yield;
  }
  return null;
}

// Kept from one painting to the next, since megabytes thrown away in each stop a drag when they are collected. Only one
// painting is under way at a time.
let kept = {};

function cleared(cells, most) {
  if (kept.cells !== cells || kept.most !== most) {
    kept = { cells, most, sums: [null, new Float32Array(4 * cells), new Float32Array(4 * cells)], within: new Int32Array(most) };
  } else for (const layer of [REST, FRONT]) kept.sums[layer].fill(0);
  return kept;
}

// How strongly each cell is colored: 0 where nothing lies, `full` where most does.
function shades(sum, full) {
  const cells = sum.length / 4, found = new Float32Array(cells);
  let most = 1;
  for (let k = 0; k < cells; k++) if (sum[4 * k] > most) most = sum[4 * k];
  const top = Math.log1p(most);
  for (let k = 0; k < cells; k++) if (sum[4 * k]) found[k] = full * (PALEST + (1 - PALEST) * (Math.log1p(sum[4 * k]) / top));
  return found;
}
