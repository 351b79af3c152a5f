// Single keys, active while the picture has the focus.

import { element } from "./elements.js";

const KEYS = [
  ["click", "select a class or a line"],
  ["right click", "require or forbid it"],
  ["shift + click", "paths from the selected class"],
  ["double click, f", "focus on a class and what is near"],
  ["p", "path between two classes"],
  ["← →", "select the class before or after"],
  ["+ −", "raise or lower the threshold"],
  ["u, shift + u", "undo, redo"],
  ["0", "fit the picture"],
  ["esc", "let go of everything"],
  ["?", "show or hide these keys"],
];

const OF_RULES = new Set(["right click", "u, shift + u"]);

export function keyTable(standalone) {
  const rows = KEYS.filter(([key]) => !(standalone && OF_RULES.has(key))).map(([key, use]) => [element("dt", { text: key }), element("dd", { text: use })]).flat();
  return element("dl", { class: "keys", hidden: true }, ...rows);
}

export function listen(stage, act) {
  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = {
      f: () => act.focus(),
      p: () => act.path(),
      u: () => act.undo(),
      U: () => act.redo(),
      "+": () => act.nudge(0.05),
      "=": () => act.nudge(0.05),
      "-": () => act.nudge(-0.05),
      Escape: () => act.clear(),
      ArrowRight: () => act.step(1),
      ArrowLeft: () => act.step(-1),
      0: () => act.fit(),
      "?": () => act.help(),
    };
    if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });
}
