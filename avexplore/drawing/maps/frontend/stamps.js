// Small shapes as pixel offsets in a picture of a given width: those that they cover, and those on their rim with how
// much. Points are painted opaque (what lies behind the scenes is mixed with the paper first), so most pixels are one
// store.

const made = new Map();
const FINE = 5;

const SHAPES = {
  circle: (x, y, radius) => x * x + y * y <= radius * radius,
  // Equal areas, so that neither modality looks louder.
  square: (x, y, radius) => Math.max(Math.abs(x), Math.abs(y)) <= radius * 0.886,
};

export function stamp(shape, radius, width) {
  const key = `${shape}${radius.toFixed(2)}x${width}`;
  if (made.has(key)) return made.get(key);
  if (made.size > 64) made.clear();
  const half = Math.ceil(radius) + 1, full = [], rim = [], share = [];
  for (let py = -half; py <= half; py++)
    for (let px = -half; px <= half; px++) {
      let hit = 0;
      for (let a = 0; a < FINE; a++)
        for (let b = 0; b < FINE; b++) hit += SHAPES[shape](px + (b + 0.5) / FINE - 0.5, py + (a + 0.5) / FINE - 0.5, radius);
      if (hit === FINE * FINE) full.push(py * width + px);
      else if (hit) {
        rim.push(py * width + px);
        share.push(hit / (FINE * FINE));
      }
    }
  const found = { half, full: Int32Array.from(full), rim: Int32Array.from(rim), share: Float32Array.from(share) };
  made.set(key, found);
  return found;
}

// One stamp at a pixel of a picture, in an opaque color.
export function press(out, { full, rim, share }, at, [r, g, b], color) {
  for (let k = 0; k < full.length; k++) out[at + full[k]] = color;
  for (let k = 0; k < rim.length; k++) {
    const o = at + rim[k], old = out[o], a = share[k];
    const or = old & 255, og = (old >> 8) & 255, ob = (old >> 16) & 255;
    out[o] = (255 << 24) | ((ob + (b - ob) * a) << 16) | ((og + (g - og) * a) << 8) | (or + (r - or) * a);
  }
}
