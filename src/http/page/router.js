// The address of what is shown: `#view/segment/segment?filter=value`. Every view, filter and selection has
// one, to keep and to send.

/** What the drawing of the server links to, by the names that views have here. */
const ALIASES = {
  connector: 'connectors',
  session: 'sessions',
  computer: 'connectors',
  message: 'messages',
  send: 'connectors',
};

/** Reads an address: the view, the segments behind it, and the filters. */
export function parse(hash) {
  const [where, query] = split(hash.replace(/^#\/?/, ''), '?');
  const [first, ...segments] = where.split('/').map(decode);
  const filters = new URLSearchParams(query);
  if (first === 'send') filters.set('kind', 'send');
  return { view: ALIASES[first] ?? (first || 'picture'), segments, query: filters };
}

function split(text, at) {
  const place = text.indexOf(at);
  return place < 0 ? [text, ''] : [text.slice(0, place), text.slice(place + 1)];
}

function decode(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Returns an address. Filters without a value are left out. */
export function link(view, segments = [], query = {}) {
  const kept = new URLSearchParams();
  for (const [name, value] of query instanceof URLSearchParams ? query : Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') kept.set(name, value);
  }
  const behind = kept.size > 0 ? `?${kept}` : '';
  return `#${[view, ...segments.map((it) => encodeURIComponent(String(it)))].join('/')}${behind}`;
}

/** Goes to an address; `replace` leaves the one before out of the history. */
export function go(address, { replace = false } = {}) {
  if (address === location.hash) return;
  if (!replace) {
    location.hash = address;
    return;
  }
  history.replaceState(null, '', address);
  dispatchEvent(new Event('hashchange'));
}
