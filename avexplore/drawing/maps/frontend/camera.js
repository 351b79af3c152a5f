// From coordinates to pixels of a pane: x = dx + scale * X, y = dy - scale * Y, with (X, Y) a point on its way from
// without to with LIR. Both panes have the same size and look through the same camera.

import { clamp } from "./geometry.js";

const AIR = 14;

export const START = { k: 1, x: 0, y: 0 };

export function projection(maps, pane) {
  const { bounds, camera } = maps, { w, h } = pane;
  const scale = Math.max(0.01, Math.min((w - 2 * AIR) / bounds.width, (h - 2 * AIR) / bounds.height)) * camera.k;
  return { scale, dx: w / 2 + camera.x - bounds.x * scale, dy: h / 2 + camera.y + bounds.y * scale, way: pane.k ? 1 : maps.morph };
}

// Where a point stands on a pane.
export function placeOf(maps, pane, i) {
  const { scale, dx, dy, way } = projection(maps, pane), { xy } = maps, j = 4 * i;
  return [dx + scale * (xy[j] * (1 - way) + xy[j + 2] * way), dy - scale * (xy[j + 1] * (1 - way) + xy[j + 3] * way)];
}

// The camera after zooming so that what is at (x, y) stays there.
export function zoomed(camera, factor, x, y, pane) {
  const k = clamp(camera.k * factor, 0.5, 200), change = k / camera.k;
  const cx = x - pane.w / 2, cy = y - pane.h / 2;
  return { k, x: cx - (cx - camera.x) * change, y: cy - (cy - camera.y) * change };
}

// What comes from an address is not to be trusted.
export function cameraOf(sent) {
  const [k, x, y] = Array.isArray(sent) ? sent.map(Number) : [];
  return [k, x, y].every(Number.isFinite) ? { k: clamp(k, 0.5, 200), x, y } : START;
}
