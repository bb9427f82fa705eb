/** Build a DOM element. An attribute `on…` adds a listener, and `text` sets the text content; children are nodes, texts or null. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") made.textContent = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** Update an element's children to one for each item. Nodes of unchanged keys are reused, so that they keep the focus. */
export function renderKeyed(parent, items, key, make) {
  const kept = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const nodes = items.map((item, index) => {
    const name = key(item, index);
    const node = kept.get(name) ?? make(item, index);
    node.dataset.key = name;
    return node;
  });
  nodes.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
  while (parent.children.length > nodes.length) parent.lastChild.remove();
}
