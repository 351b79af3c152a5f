// Curves, hulls and distances. Points are { x, y }, boxes are [left, top, right, bottom].

const SAMPLES = 48;

// Points of the quadratic curve whose control point stands `bend` times the length aside, with the normal at each.
export function curve(a, b, bend) {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const control = { x: (a.x + b.x) / 2 + bend * dy, y: (a.y + b.y) / 2 - bend * dx };
  const points = [];
  for (let k = 0; k <= SAMPLES; k++) {
    const t = k / SAMPLES;
    const [p, q, r] = [(1 - t) ** 2, 2 * t * (1 - t), t * t];
    const along = { x: (1 - t) * (control.x - a.x) + t * (b.x - control.x), y: (1 - t) * (control.y - a.y) + t * (b.y - control.y) };
    const length = Math.hypot(along.x, along.y) || 1;
    points.push({
      x: p * a.x + q * control.x + r * b.x,
      y: p * a.y + q * control.y + r * b.y,
      nx: -along.y / length,
      ny: along.x / length,
    });
  }
  return points;
}

export function inside(box, { x, y }) {
  return x > box[0] && x < box[2] && y > box[1] && y < box[3];
}

export function meet(a, b) {
  return a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];
}

export function around(boxes) {
  return boxes.reduce(
    (sum, box) => [Math.min(sum[0], box[0]), Math.min(sum[1], box[1]), Math.max(sum[2], box[2]), Math.max(sum[3], box[3])],
    [Infinity, Infinity, -Infinity, -Infinity],
  );
}

export function corners([left, top, right, bottom]) {
  return [{ x: left, y: top }, { x: right, y: top }, { x: right, y: bottom }, { x: left, y: bottom }];
}

// Andrew's monotone chain.
export function hull(points) {
  const sorted = [...points].sort((a, b) => a.x - b.x || a.y - b.y);
  const turn = (o, a, b) => (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
  const half = (list) => {
    const found = [];
    for (const point of list) {
      while (found.length > 1 && turn(found.at(-2), found.at(-1), point) <= 0) found.pop();
      found.push(point);
    }
    return found.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

export function isInHull(points, { x, y }) {
  return points.every((a, k) => {
    const b = points[(k + 1) % points.length];
    return (b.x - a.x) * (y - a.y) - (b.y - a.y) * (x - a.x) >= 0;
  });
}

// Distance of a point from a line through points.
export function distance(points, { x, y }) {
  let nearest = Infinity;
  for (let k = 1; k < points.length; k++) {
    const [a, b] = [points[k - 1], points[k]];
    const [dx, dy] = [b.x - a.x, b.y - a.y];
    const share = Math.min(1, Math.max(0, ((x - a.x) * dx + (y - a.y) * dy) / (dx * dx + dy * dy || 1)));
    nearest = Math.min(nearest, Math.hypot(x - a.x - share * dx, y - a.y - share * dy));
  }
  return nearest;
}

export function polyline(context, points) {
  context.beginPath();
  points.forEach(({ x, y }, k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
}
