// Points by where they are: the nearest one, those within what is drawn around, the next one in a direction.

import { placeOf, projection } from "./camera.js";
import { boxOf, inside } from "./geometry.js";

const REACH = 12;

// Calls `visit(i, x, y)` for each point of a pane.
function eachPlace(maps, pane, visit) {
  const { scale, dx, dy, way } = projection(maps, pane), { xy, points } = maps, back = 1 - way;
  for (let i = 0; i < points; i++) {
    const j = 4 * i;
    visit(i, dx + scale * (xy[j] * back + xy[j + 2] * way), dy - scale * (xy[j + 1] * back + xy[j + 3] * way));
  }
}

export function placesOf(maps, pane) {
  const x = new Float32Array(maps.points), y = new Float32Array(maps.points);
  eachPlace(maps, pane, (i, px, py) => { x[i] = px; y[i] = py; });
  return { x, y };
}

// The point nearest to (x, y), -1 for none; hidden ones do not count, chosen ones count first.
export function near(maps, pane, x, y) {
  let best = REACH * REACH, found = -1;
  const { layer } = maps.look;
  eachPlace(maps, pane, (i, px, py) => {
    const distance = (px - x) ** 2 + (py - y) ** 2 + (layer[i] === 1 && maps.isNarrowed ? 36 : 0);
    if (layer[i] && distance < best) { best = distance; found = i; }
  });
  return found;
}

// Flags of the points within a lasso; `sign` 1 adds to those of before, -1 takes away from them.
export function within(maps, pane, { path, base, sign }) {
  const flags = base && sign ? base.slice() : new Uint8Array(maps.points), to = sign === -1 ? 0 : 1;
  const [left, top, right, bottom] = boxOf(path);
  eachPlace(maps, pane, (i, x, y) => {
    if (x >= left && x <= right && y >= top && y <= bottom && inside(x, y, path)) flags[i] = to;
  });
  return flags;
}

// The next point from one in a direction of the arrow keys: more along it than aside; -1 for none.
export function nextFrom(maps, pane, from, dx, dy) {
  const [x, y] = placeOf(maps, pane, from);
  let best = Infinity, found = -1;
  eachPlace(maps, pane, (i, px, py) => {
    const along = (px - x) * dx + (py - y) * dy, aside = Math.abs((px - x) * dy) + Math.abs((py - y) * dx);
    if (along > 0.5 && aside <= 1.5 * along && along + 2 * aside < best) { best = along + 2 * aside; found = i; }
  });
  return found;
}
