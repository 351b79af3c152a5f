// Names of the nodes, drawn above the edges at a size that stays readable at any zoom, with a halo.

const HALO = 4.5;
const LINE = 1.12; // height of a line over the size of its letters
const measuring = document.createElement("canvas").getContext("2d");
const widths = new Map();

// Pixels of a letter, whatever the zoom.
export function letterSize(scale, large) {
  return large ? Math.min(22, Math.max(14, 17 * scale)) : Math.min(15, Math.max(10.5, 13.5 * scale));
}

function textWidth(lines, size, font) {
  const key = `${font}\n${lines.join("\n")}`;
  if (!widths.has(key)) {
    measuring.font = `600 100px ${font}`;
    widths.set(key, Math.max(...lines.map((line) => measuring.measureText(line).width)) / 100);
  }
  return widths.get(key) * size;
}

// Where a name stands beside its sign, in pixels from the sign's middle: anchor of its first line, and its box.
export function labelPlace(node, scale, size, font) {
  const gap = node.size * scale + 4;
  const height = size * LINE;
  const width = textWidth(node.lines, size, font);
  const beside = (-(node.lines.length - 1) * height) / 2;
  const [dx, dy, align] =
    node.side === "left" ? [-gap, beside, "right"] : node.side === "right" ? [gap, beside, "left"] : [0, gap + height / 2, "center"];
  const left = dx - (align === "center" ? width / 2 : align === "right" ? width : 0);
  const box = [left, dy - height / 2, left + width, dy + (node.lines.length - 0.5) * height];
  return { dx, dy, align, height, box };
}

const IMPORTANT = new Set(["selected", "end", "found", "near"]);

export function drawLabels(context, network, nodes, looks, theme, options) {
  const scale = network.getScale();
  const size = letterSize(scale, options.large);
  const unit = 1 / scale;
  const taken = [];
  const crowded = nodes.length > 60;
  context.save();
  context.lineJoin = "round";
  context.miterLimit = 2;
  context.textBaseline = "middle";
  context.strokeStyle = theme.background;
  context.fillStyle = theme.text;
  context.lineWidth = HALO * unit;
  for (const node of nodes) {
    const look = looks.get(node.id);
    const important = IMPORTANT.has(look);
    if (look === "dim" && crowded) continue;
    const { x, y } = network.getPosition(node.id);
    const place = labelPlace(node, scale, size, theme.font);
    if (crowded && !important) {
      const [left, top, right, bottom] = place.box;
      const box = [x * scale + left, y * scale + top, x * scale + right, y * scale + bottom];
      if (taken.some((t) => box[0] < t[2] && box[2] > t[0] && box[1] < t[3] && box[3] > t[1])) continue;
      taken.push(box);
    }
    context.font = `${important ? "600" : "400"} ${size * unit}px ${theme.font}`;
    context.textAlign = place.align;
    context.globalAlpha = { dim: 0.25, quiet: 0.6 }[look] ?? 1;
    node.lines.forEach((line, index) => {
      const at = [x + place.dx * unit, y + (place.dy + index * place.height) * unit];
      context.strokeText(line, ...at);
      context.fillText(line, ...at);
    });
  }
  context.restore();
}

// A short text on an edge: its percentage, or the sign of what the reader demanded.
export function drawBadge(context, network, edge, text, color, theme) {
  const unit = 1 / network.getScale();
  const a = network.getPosition(edge.from);
  const b = network.getPosition(edge.to);
  const bend = edge.bend ?? 0;
  // Middle of vis-network's quadratic curve: its control point is turned by a quarter of pi times the roundness.
  const shift = 0.39 * bend;
  const [x, y] = [(a.x + b.x) / 2 + (b.y - a.y) * shift, (a.y + b.y) / 2 - (b.x - a.x) * shift];
  context.save();
  context.font = `600 ${11.5 * unit}px ${theme.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const width = context.measureText(text).width + 9 * unit;
  context.fillStyle = theme.background;
  context.strokeStyle = color;
  context.lineWidth = 1.3 * unit;
  context.beginPath();
  context.roundRect(x - width / 2, y - 9 * unit, width, 18 * unit, 9 * unit);
  context.fill();
  context.stroke();
  context.fillStyle = theme.text;
  context.fillText(text, x, y + 0.5 * unit);
  context.restore();
}
