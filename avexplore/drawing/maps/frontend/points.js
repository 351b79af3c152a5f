// Every point as a small shape, the chosen ones above the others.

import { clamp } from "./geometry.js";
import { FRONT, REST } from "./look.js";
import { press, stamp } from "./stamps.js";

// Radius in CSS pixels: smaller the more there are, larger on a closer look.
export function radiusOf(count, k) {
  return clamp(4.2 - Math.log2(Math.max(count, 1) / 400) * 0.45, 1.5, 4) * clamp(k ** 0.3, 0.8, 2.2);
}

const SLICE = 8_000;

// Paints points (all, or those of `some`) into a picture of W x H device pixels, in slices.
export function* paintPoints(out, W, H, maps, { scale, dx, dy, way }, radius, some) {
  const { xy, points, look } = maps, half = points / 2, back = 1 - way;
  const stamps = [stamp("circle", radius, W), stamp("square", radius, W)];
  const count = some ? some.length : points;
  for (const layer of [REST, FRONT]) {
    const colors = look.colors[layer], stores = look.stores[layer];
    for (let n = 0; n < count; n++) {
      const i = some ? some[n] : n;
      if (look.layer[i] !== layer) continue;
      const j = 4 * i, shape = stamps[i < half ? 0 : 1], reach = shape.half;
      const x = Math.round(dx + scale * (xy[j] * back + xy[j + 2] * way)), y = Math.round(dy - scale * (xy[j + 1] * back + xy[j + 3] * way));
      if (x < reach || y < reach || x + reach >= W || y + reach >= H) continue;
      press(out, shape, y * W + x, colors[look.code[i]], stores[look.code[i]]);
      if (n % SLICE === SLICE - 1) yield;
    }
  }
}
