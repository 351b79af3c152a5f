// Where signs and names are, in picture units: one sign per class with two halves, or one per class and modality.

import { inside } from "./geometry.js";

// Everything that is drawn as one sign: `nodes` are the halves or the one node in it, `box` is sign and name.
export function signs(stage) {
  const { data, network } = stage;
  const at = (id) => network.getPosition(id);
  if (!data.classes) {
    return data.nodes.map((node) => {
      const { x, y } = at(node.id);
      const reach = node.size + 1;
      return { key: node.id, x, y, radius: node.size, nodes: [node], lines: node.lines, body: [x - reach, y - reach, x + reach, y + reach] };
    });
  }
  const { boxes, radius, lines, named } = data.classes;
  const count = boxes.length;
  return boxes.map((box, c) => {
    const nodes = [data.nodes[c], data.nodes[c + count]];
    const [heard, seen] = nodes.map((node) => at(node.id));
    const [x, y] = [(heard.x + seen.x) / 2, (heard.y + seen.y) / 2];
    const r = radius[c];
    return {
      key: `c${c}`, x, y, radius: r, nodes, lines: lines[c], group: named[c],
      body: [x - r, y - r, x + r, y + r],
      box: [x + box[0], y + box[1], x + box[2], y + box[3]],
      name: [x + box[0] + 3, y + r + 3, x + box[2] - 3, y + box[3]],
    };
  });
}

// The node under a point: a half of a sign, or the half that a click on the name means.
export function nodeAt(stage, point) {
  const { view } = stage;
  const shown = (node) => !view.hidden.has(`node-${node.modality}`);
  for (const sign of stage.signs) {
    if (!inside(sign.body, point)) continue;
    const node = sign.nodes.length === 1 || point.x < sign.x ? sign.nodes[0] : sign.nodes[1];
    if (shown(node)) return node.id;
  }
  if (!stage.areNamed) return undefined;
  const named = stage.signs.find((sign) => sign.name && inside(sign.name, point));
  const halves = named?.nodes.filter(shown) ?? [];
  return (halves.find((node) => node.id !== view.selection?.id) ?? halves[0])?.id;
}

// The bar inside a sign: the link between the class heard and the class seen.
export function barAt(stage, point) {
  for (const sign of stage.signs) {
    const bar = stage.bars.get(sign.key);
    if (bar && Math.abs(point.x - sign.x) < 0.45 * sign.radius && Math.abs(point.y - sign.y) < 0.22 * sign.radius) return bar.id;
  }
  return undefined;
}
