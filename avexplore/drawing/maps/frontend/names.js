// Names beside points of a canvas: each at the first of four places where it touches no other and lies within; else it
// is left out. So the weightiest names come first.

const HEIGHT = 14, ABOVE = 8, ASIDE = 8;

// Places for at most `most` of `names`, of `text` and `at` [x, y], in the pen's font, between `top` and the size given.
// Each found box has left, top, right, bottom and the `base` line of its letters.
export function placeNames(pen, names, { width, height, top = 0, most = Infinity }) {
  const found = [];
  for (const name of names) {
    if (found.length >= most) break;
    const [x, y] = name.at;
    if (x < 0 || x > width || y < top || y > height) continue;
    const long = pen.measureText(name.text).width;
    for (const [dx, dy] of [[-long / 2, -ABOVE], [-long / 2, HEIGHT + 6], [ASIDE, 5], [-long - ASIDE, 5]]) {
      const left = Math.min(Math.max(x + dx, 2), width - long - 2), base = y + dy;
      const box = { name, left, base, right: left + long, top: base - HEIGHT + 2, bottom: base + 4 };
      const fits = left >= 2 && box.top > top && box.bottom < height;
      if (fits && found.every((o) => box.right < o.left || o.right < box.left || box.bottom < o.top || o.bottom < box.top)) {
        found.push(box);
        break;
      }
    }
  }
  return found;
}

// Writes placed names, each with a halo; `color` tells each name's.
export function writeNames(pen, boxes, halo, color) {
  pen.lineJoin = "round";
  pen.lineWidth = 3.5;
  pen.textAlign = "left";
  pen.textBaseline = "alphabetic";
  for (const { name, left, base } of boxes) {
    pen.strokeStyle = halo;
    pen.strokeText(name.text, left, base);
    pen.fillStyle = color(name);
    pen.fillText(name.text, left, base);
  }
}
