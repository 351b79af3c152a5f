// Streamlit calls this at every change of data or theme, with the same DOM node: one Stage lives per node.

import { Stage, frame } from "./stage.js";

const stages = new WeakMap();

export default function (vis, { parentElement, data, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".graph-view");
  let stage = stages.get(parentElement);
  if (stage && stage.universe !== data.universe) {
    stage.destroy();
    stage = undefined;
  }
  if (!stage) {
    root.replaceChildren(...frame(data));
    stage = new Stage(vis, root, data);
    stage.universe = data.universe;
    stages.set(parentElement, stage);
  }
  stage.show(data, setStateValue, setTriggerValue);
  return () => {
    stages.get(parentElement)?.destroy();
    stages.delete(parentElement);
  };
}
