// The front end of the app as a widget: what Streamlit's component API does for it there, the widget's model does here.
// FRONT_END is filled in by Python: the sources of modules in the order in which they are to be loaded, the last of
// which is the component, its HTML and its CSS.
const FRONT_END = /*FRONT_END*/ {};

let component;

async function load() {
  let last;
  for (const source of FRONT_END.modules) {
    last = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  }
  return last.default;
}

// The first background that is painted behind an element, through the borders of shadow trees.
function paper(element) {
  for (let at = element; at; at = at.parentElement ?? at.getRootNode().host) {
    const color = getComputedStyle(at).backgroundColor;
    if (!/^(transparent|rgba\(.*, 0\))$/.test(color)) return color;
  }
  return "#ffffff";
}

function isDark(color) {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  context.fillStyle = color;
  context.fillRect(0, 0, 1, 1);
  const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
  return 0.299 * r + 0.587 * g + 0.114 * b < 128;
}

// The front end's colors, out of those of the page around it.
function dress(host) {
  const background = paper(host.parentElement);
  const dark = isDark(background);
  const text = dark ? "#e8edf2" : "#1b2733";
  const theme = {
    "background-color": background,
    "secondary-background-color": `color-mix(in srgb, ${text} 8%, ${background})`,
    "border-color": `color-mix(in srgb, ${text} 22%, ${background})`,
    "text-color": text,
    "primary-color": dark ? "#56B4E9" : "#0072B2",
    font: "system-ui, sans-serif",
  };
  for (const [name, value] of Object.entries(theme)) host.style.setProperty(`--st-${name}`, value);
  host.style.colorScheme = dark ? "dark" : "light";
}

export default {
  async render({ model, el }) {
    // In a tree of its own neither side's styles reach the other; Jupyter's single-key commands stay out of it.
    const host = document.createElement("div");
    host.dataset.lmSuppressShortcuts = "true";
    host.addEventListener("keydown", (event) => event.stopPropagation());
    const root = host.attachShadow({ mode: "open" });
    root.innerHTML = FRONT_END.html;
    root.prepend(Object.assign(document.createElement("style"), { textContent: FRONT_END.css }));
    el.append(host);
    const setStateValue = (name, value) => {
      model.set("_told", { ...model.get("_told"), [name]: value });
      model.save_changes();
    };
    const draw = (await (component ??= load()));
    let end;
    const show = async () => {
      dress(host);
      const data = model.get("_data");
      const asked = model.get("_asked");
      const sent = data instanceof DataView ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : { ...data, ...asked };
      end = draw({ parentElement: root, data: sent, asked, setStateValue, setTriggerValue() {} });
      await end;
      host.dataset.shown = "true";
    };
    const changes = ["change:_data", "change:_asked"];
    for (const change of changes) model.on(change, show);
    // A theme is a class or an attribute of the page; its colors may follow a little later.
    const themes = new MutationObserver(show);
    for (const element of [document.documentElement, document.body]) themes.observe(element, { attributes: true });
    const settled = (event) => event.target === document.body && show();
    document.addEventListener("transitionend", settled);
    await show();
    return async () => {
      for (const change of changes) model.off(change, show);
      themes.disconnect();
      document.removeEventListener("transitionend", settled);
      (await end)?.();
    };
  },
};
