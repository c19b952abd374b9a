// Builds elements. Text is always set as text: nothing here, or in the rest of the page, parses markup
// that came from the lab or from a peer.

const SVG = 'http://www.w3.org/2000/svg';

/** Returns an element with these properties and children; `onclick` and the like are listeners. */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** Returns an SVG element. */
export function s(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'data') Object.assign(element.dataset, value);
    else if (name === 'value' || name === 'checked' || name === 'disabled') element[name] = value;
    else element.setAttribute(name === 'class' ? 'class' : name, value === true ? '' : String(value));
  }
  add(element, children);
  return element;
}

function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** Replaces the children of an element. */
export function replace(element, ...children) {
  element.replaceChildren();
  add(element, children);
  return element;
}

const SHAPES = {
  lock: ['M5 7V5a3 3 0 0 1 6 0v2', 'M3.5 7h9v6.5h-9z'],
  verified: ['M5 7V5a3 3 0 0 1 6 0v2', 'M3.5 7h9v6.5h-9z', 'M5.8 10.3l1.6 1.6 2.9-3'],
  open: ['M5 7V4.5a3 3 0 0 1 5.8-1', 'M3.5 7h9v6.5h-9z'],
  wanted: ['M5 7V4.5a3 3 0 0 1 5.8-1', 'M3.5 7h9v6.5h-9z', 'M8 8.6v2', 'M8 12v.2'],
  refused: ['M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2', 'M4.5 8h7'],
  withheld: ['M5 7V4.5a3 3 0 0 1 5.8-1', 'M3.5 7h9v6.5h-9z', 'M2 2l12 12'],
  none: ['M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11'],
  ok: ['M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2', 'M5.2 8.2l2 2 3.6-4'],
  error: ['M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2', 'M8 4.8v4', 'M8 11v.2'],
  warning: ['M8 2l6.5 11.5h-13z', 'M8 6v3.5', 'M8 11.5v.2'],
  info: ['M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2', 'M8 7.2v4', 'M8 4.9v.2'],
  picture: ['M2 4h4v4H2z', 'M10 8h4v4h-4z', 'M6 6h3v4h1'],
  connectors: ['M2 8h3', 'M11 8h3', 'M5 5h6v6H5z'],
  certificates: ['M2.5 3h11v7h-11z', 'M5 5.5h6', 'M9.5 10v4l1.5-1 1.5 1v-4'],
  events: ['M3 2h10v12H3z', 'M5.5 5h5', 'M5.5 8h5', 'M5.5 11h3'],
  sessions: ['M2 3h8v5H5l-3 2.5z', 'M12 6h2v7.5L11.5 11H7v-1'],
  messages: ['M2 4h12v8.5H2z', 'M2 4.5l6 4.5 6-4.5'],
  shell: ['M2 3h12v10H2z', 'M4.5 6l2 2-2 2', 'M8 10.5h3'],
  faults: ['M9 1.5L4 9h3.5L7 14.5 12 7H8.5z'],
  verify: ['M2.5 3.5l1.2 1.2L6 2.5', 'M2.5 8.5l1.2 1.2L6 7.5', 'M8 4h6', 'M8 9h6', 'M8 13h6'],
};

/** Returns an icon; it stands beside a word and says nothing by itself. */
export function icon(name) {
  const paths = (SHAPES[name] ?? SHAPES.info).map((d) => s('path', { d }));
  return s('svg', { class: `icon icon-${name}`, viewBox: '0 0 16 16', 'aria-hidden': 'true' }, paths);
}
