// Names of the nodes, drawn above the edges at a size that stays readable at any zoom, with a halo.

const HALO = 4.5;

export function drawLabels(context, network, nodes, looks, theme, options) {
  const scale = network.getScale();
  const size = Math.min(options.large ? 22 : 15, Math.max(options.large ? 14 : 10.5, (options.large ? 17 : 13.5) * scale));
  const unit = 1 / scale;
  const height = size * 1.12;
  const taken = [];
  const crowded = nodes.length > 60;
  context.save();
  context.lineJoin = "round";
  context.miterLimit = 2;
  context.textBaseline = "middle";
  for (const node of nodes) {
    const look = looks.get(node.id);
    const important = look === "selected" || look === "end" || look === "found" || look === "near";
    if (look === "dim" && crowded) continue;
    const { x, y } = network.getPosition(node.id);
    const weight = important ? "600" : "400";
    context.font = `${weight} ${size * unit}px ${theme.font}`;
    const lines = node.lines;
    const width = Math.max(...lines.map((line) => context.measureText(line).width)) / unit;
    const gap = node.size * scale + 4;
    let [dx, dy] = [0, gap + height / 2];
    let align = "center";
    if (node.side === "left") [dx, dy, align] = [-gap, (-(lines.length - 1) * height) / 2, "right"];
    if (node.side === "right") [dx, dy, align] = [gap, (-(lines.length - 1) * height) / 2, "left"];
    if (crowded && !important) {
      const left = x * scale + dx - (align === "center" ? width / 2 : align === "right" ? width : 0);
      const box = [left, y * scale + dy - height / 2, left + width, y * scale + dy + (lines.length - 0.5) * height];
      if (taken.some((t) => box[0] < t[2] && box[2] > t[0] && box[1] < t[3] && box[3] > t[1])) continue;
      taken.push(box);
    }
    context.textAlign = align;
    context.globalAlpha = { dim: 0.25, quiet: 0.6 }[look] ?? 1;
    context.strokeStyle = theme.background;
    context.fillStyle = theme.text;
    context.lineWidth = HALO * unit;
    lines.forEach((line, index) => {
      const at = [x + dx * unit, y + (dy + index * height) * unit];
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
