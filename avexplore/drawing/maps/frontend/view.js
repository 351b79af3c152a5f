// The component's entry: Streamlit calls it anew at every change of data or theme, with the same DOM node, and one Maps
// lives per node. It may also end a call that newer data overtook: the maps are that one's then.

import { Maps } from "./maps.js";
import { unpack } from "./unpack.js";

const instances = new WeakMap();

export default function ({ parentElement, data, asked, setStateValue }) {
  let maps = instances.get(parentElement);
  if (!maps) {
    maps = new Maps(parentElement);
    instances.set(parentElement, maps);
  }
  maps.tell = setStateValue;
  const sent = unpack(data);
  Object.assign(sent.head, asked); // a notebook's wishes come beside its data
  maps.update(sent);
  const call = (maps.call = Symbol("call"));
  return () => {
    if (maps.call === call) maps.release();
  };
}
