// What the mouse rests on: the cursor, the percentage of a link, and a word on it after a moment.

import { element } from "./elements.js";

const MOMENT = 160; // milliseconds

export function listenToHover(stage) {
  const tip = element("div", { class: "tip", hidden: true });
  stage.canvas.append(tip);
  let timer;
  const hide = () => {
    clearTimeout(timer);
    tip.hidden = true;
  };
  const rest = (event) => {
    hide();
    if (event.buttons || !stage.data) return;
    const box = stage.canvas.getBoundingClientRect();
    const at = { x: event.clientX - box.left, y: event.clientY - box.top };
    const found = stage.thingAt(at);
    stage.canvas.style.cursor = found.node || found.edge || found.group ? "pointer" : "";
    const edge = found.edge ?? null;
    if (stage.hovered !== edge) {
      stage.hovered = edge;
      stage.network.redraw();
    }
    const text = found.node ? stage.node.get(found.node).title : edge ? stage.edge.get(edge).title : found.group ? groupWords(found.group) : "";
    if (!text) return;
    timer = setTimeout(() => {
      if (!stage.menu.hidden) return;
      tip.textContent = text;
      tip.hidden = false;
      tip.style.left = `${Math.max(4, Math.min(at.x + 14, box.width - tip.offsetWidth - 6))}px`;
      tip.style.top = `${Math.max(4, Math.min(at.y + 16, box.height - tip.offsetHeight - 6))}px`;
    }, MOMENT);
  };
  stage.canvas.addEventListener("pointermove", rest);
  stage.canvas.addEventListener("pointerdown", hide);
  stage.canvas.addEventListener("pointerleave", () => {
    hide();
    if (stage.hovered) {
      stage.hovered = null;
      stage.network.redraw();
    }
  });
}

function groupWords({ members }) {
  const names = members.map((sign) => sign.lines.join(" "));
  const said = names.slice(0, 12).join(", ");
  return `${members.length} classes: ${said}${names.length > 12 ? " …" : ""}\nClick to go near`;
}
