// Fitting the picture into its frame, moving nodes to a new layout, and taking a photo.

export function fit(network, root, nodes, large) {
  const { width, height } = root.getBoundingClientRect();
  if (!width || !height || !nodes.length) return false;
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const node of nodes) {
    const { x, y } = network.getPosition(node.id);
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  const aside = nodes.some((node) => node.side === "left" || node.side === "right");
  const longest = Math.max(...nodes.flatMap((node) => node.lines.map((line) => line.length)));
  const letter = large ? 9 : 7;
  const margin = { x: aside ? 2 * (longest * letter + 26) : Math.max(70, longest * letter + 12), y: large ? 110 : 72 };
  const scale = Math.min((width - margin.x) / Math.max(right - left, 1), (height - margin.y) / Math.max(bottom - top, 1), large ? 3 : 1.8);
  const shift = aside ? 0 : 10 / Math.max(scale, 0.02);
  network.moveTo({ position: { x: (left + right) / 2, y: (top + bottom) / 2 + shift }, scale: Math.max(scale, 0.02), animation: false });
  return true;
}

export function glide(network, goals, done) {
  const start = new Map(goals.map(({ id }) => [id, network.getPosition(id)]));
  const began = performance.now();
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches || goals.length > 300;
  const step = (now) => {
    const share = still ? 1 : Math.min((now - began) / 350, 1);
    const eased = 1 - (1 - share) ** 3;
    for (const { id, x, y } of goals) {
      const from = start.get(id);
      network.moveNode(id, from.x + (x - from.x) * eased, from.y + (y - from.y) * eased);
    }
    if (share < 1) requestAnimationFrame(step);
    else done();
  };
  requestAnimationFrame(step);
}

export function photograph(canvas, background, filename) {
  const photo = document.createElement("canvas");
  [photo.width, photo.height] = [canvas.width, canvas.height];
  const context = photo.getContext("2d");
  context.fillStyle = background;
  context.fillRect(0, 0, photo.width, photo.height);
  context.drawImage(canvas, 0, 0);
  const link = document.createElement("a");
  link.download = filename;
  link.href = photo.toDataURL("image/png");
  link.click();
}
