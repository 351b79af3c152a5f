// Single keys, active while the picture has the focus.

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
    };
    if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });
}
