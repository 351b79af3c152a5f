// Plane geometry without any state.

export const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

// Whether a point lies in a polygon of alternating x and y.
export function inside(x, y, polygon) {
  let within = false;
  for (let i = 0, j = polygon.length - 2; i < polygon.length; j = i, i += 2) {
    const yi = polygon[i + 1], yj = polygon[j + 1];
    if (yi > y !== yj > y && x < ((polygon[j] - polygon[i]) * (y - yi)) / (yj - yi) + polygon[i]) within = !within;
  }
  return within;
}

// Left, top, right, bottom of a polygon.
export function boxOf(polygon) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < polygon.length; i += 2) {
    box[0] = Math.min(box[0], polygon[i]);
    box[1] = Math.min(box[1], polygon[i + 1]);
    box[2] = Math.max(box[2], polygon[i]);
    box[3] = Math.max(box[3], polygon[i + 1]);
  }
  return box;
}

// Middle and size of the rectangle around all points of both maps.
export function bounds(xy) {
  const [left, top, right, bottom] = boxOf(xy);
  return { x: (left + right) / 2, y: (top + bottom) / 2, width: Math.max(right - left, 1e-6), height: Math.max(bottom - top, 1e-6) };
}
