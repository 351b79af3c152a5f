// Mounted once per tab: carries vis-network and the modules of this folder, so that the messages of a slider step
// carry data only. SOURCES is filled in by Python, in the order in which the modules need each other.
const SOURCES = /*SOURCES*/ [];

function load() {
  const addresses = new Map();
  let last;
  for (const [name, source] of SOURCES) {
    const linked = source.replace(/from "\.\/(\w+\.js)"/g, (_, file) => `from "${addresses.get(file)}"`);
    last = URL.createObjectURL(new Blob([linked], { type: "text/javascript" }));
    addresses.set(name, last);
  }
  return Promise.all([import(addresses.get("vis.js")), import(last)]).then(([vis, { render }]) => (args) => render(vis.default, args));
}

globalThis.avexploreGraphView ??= { waiting: [] };
if (!globalThis.avexploreGraphView.ready) {
  globalThis.avexploreGraphView.ready = load();
  globalThis.avexploreGraphView.waiting.forEach((resolve) => resolve(globalThis.avexploreGraphView.ready));
}

export default function () {}
