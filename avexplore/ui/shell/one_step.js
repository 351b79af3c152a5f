// A page change first gives a bare address, and the server then adds what it carries. That is one step for a visitor,
// and shall be one step back: what is only added to a bare address replaces it.
export default function () {
  if (window.avexploreOneStep) return;
  window.avexploreOneStep = true;
  const push = history.pushState;
  history.pushState = function (state, title, url) {
    const next = new URL(url ?? location.href, location.href);
    const adds = next.pathname === location.pathname && !location.search && next.search;
    (adds ? history.replaceState : push).call(history, state, title, url);
  };
}
