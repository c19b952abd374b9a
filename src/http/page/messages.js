// Messages: every mail that was taken, how it came, and what is in it. The text of a peer is shown as text;
// HTML is shown in a frame without script, without network and without this page's address.

import { address, ask, get, json, path } from './api.js';
import { h, icon } from './dom.js';
import { facts, machine, security, short, size, time } from './format.js';
import { LiveList } from './list.js';
import { go, link } from './router.js';
import { nothing, tls } from './sessions.js';
import { filters, split, tools } from './split.js';
import { button, copy, download, notice, renew, tabs } from './ui.js';

const FILTERS = ['q', 'security', 'peer', 'connector'];

export function messages({ lab }) {
  let route = null;
  let target = null;
  let tab = 'text';
  const patch = (change) =>
    go(link('messages', route.segments, { ...Object.fromEntries(route.query), ...change }), { replace: true });
  const list = new LiveList({
    path: path('messages'),
    key: 'id',
    label: 'Messages',
    name: 'messages',
    columns: [
      { name: 'state', label: 'TLS', cell: security },
      { name: 'main', label: 'Subject', cell: (it) => it.subject || '(no subject)' },
      { name: 'from', label: 'From', cell: (it) => it.mail_from || '<>' },
      { name: 'to', label: 'To', cell: (it) => it.rcpt_to.join(', ') },
      {
        name: 'peer',
        label: 'Sending machine',
        cell: (it) => `${machine(it.remote)}${it.helo ? ` (${it.helo})` : ''}`,
      },
      { name: 'time', label: 'Time', cell: (it) => short(it.time, lab()?.now) },
      { name: 'size', label: 'Size', cell: (it) => size(it.size) },
    ],
    empty: (filtered) => nothing(filtered, target, 'No mail yet.', 'messages'),
    onSelect: (it) => go(link('messages', [it.id], route.query), { replace: true }),
    onOpen: () => view.focus(),
    menu: (it) => [
      {
        label: it.security === 'tls' ? 'Only over TLS' : 'Only in clear',
        run: () => patch({ security: it.security }),
      },
      { label: `Only from ${machine(it.remote)}`, run: () => patch({ peer: machine(it.remote) }) },
      {
        label: `Exclude ${it.mail_from || 'the null sender'}`,
        run: () => patch({ q: `${route.query.get('q') ?? ''} -${it.mail_from}`.trim() }),
      },
      { label: 'Clear the filter', run: () => go(link('messages', route.segments), { replace: true }) },
    ],
  });
  const bar = tools({
    search: 'Search messages',
    selects: {
      security: [
        'TLS',
        [
          ['', 'TLS and clear'],
          ['tls', 'Over TLS'],
          ['clear', 'In clear'],
        ],
      ],
      peer: ['Sending machine', [['', 'All machines']]],
      connector: ['Connector', [['', 'All connectors']]],
    },
    onChange: patch,
    more: button('Clear the list', clear, {
      kind: 'quiet',
      title: 'Takes what the filter shows out of the list; the journal keeps it',
    }),
  });
  const view = split({
    list,
    tools: bar.element,
    label: 'Message',
    leave: () => go(link('messages', [], route.query), { replace: true }),
  });

  async function clear() {
    const { removed } = await json('DELETE', path('messages'), { query: filters(route.query, FILTERS) });
    notice(`${removed} taken out of the list`);
    await list.reload();
    if (route.segments.length > 0) go(link('messages', [], route.query), { replace: true });
  }

  async function detail() {
    const [id] = route.segments;
    list.select(id ?? null);
    if (id === undefined) {
      view.none('Select a message to see how it came and what is in it.');
      return;
    }
    const message = await get(path('messages', id));
    if (id !== route.segments[0]) return;
    view.selected();
    renew(view.body, message, () => show(message));
  }

  function show(it) {
    const parts = leaves(it.structure);
    const html = parts.find((part) => part.content_type === 'text/html');
    const items = [
      { id: 'text', label: 'Text', build: () => text(it, parts) },
      html ? { id: 'html', label: 'HTML', build: () => frame(it, html) } : null,
      { id: 'headers', label: 'Headers', build: () => headers(it) },
      {
        id: 'parts',
        label: `Parts (${parts.length})`,
        build: () => h('ul', { class: 'parts' }, part(it, it.structure)),
      },
      { id: 'raw', label: 'Raw', build: () => raw(it) },
      { id: 'way', label: 'How it came', build: () => came(it) },
    ].filter(Boolean);
    const book = tabs(items, {
      selected: items.some(({ id }) => id === tab) ? tab : 'text',
      label: 'Message',
      onChange: (id) => {
        tab = id;
      },
    });
    return h(
      'div',
      { class: 'card' },
      h('h2', {}, it.subject || '(no subject)'),
      h(
        'p',
        { class: 'came' },
        security(it),
        ' ',
        h('span', {}, `from ${it.mail_from || '<>'} to ${it.rcpt_to.join(', ')}, ${time(it.time)}`),
      ),
      book.element,
      h(
        'div',
        { class: 'buttons' },
        h('a', { class: 'button', href: link('sessions', [it.session]) }, 'The session'),
        button('Download (.eml)', () =>
          download(address(`${path('messages', it.id)}/raw`), `message-${it.id}.eml`),
        ),
      ),
    );
  }

  return {
    element: view.element,
    async update(next) {
      const first = route === null;
      route = next;
      bar.set(route.query);
      if (first) target = (await get(path('connectors'))).find((it) => it.addrs.length > 0);
      await list.filter(filters(route.query, FILTERS));
      await detail();
    },
    async changed({ kinds }) {
      if (kinds.changed || kinds.gap) await list.reload();
      else if (kinds.message) await list.refresh();
    },
    destroy: () => list.destroy(),
  };
}

/** Returns the parts that have no parts. */
const leaves = (structure) => (structure.parts.length > 0 ? structure.parts.flatMap(leaves) : [structure]);

const partPath = (it, part, as) => `${path('messages', it.id, 'parts', part.path || '0')}${as ? `?as=${as}` : ''}`;

/** Returns a place that a text is fetched into. */
function fetched(where, words) {
  const place = h('pre', { class: 'said mail', tabindex: '0', 'aria-label': words }, 'Loading');
  ask('GET', where, { accept: 'text/plain, message/rfc822, */*' })
    .then((response) => response.text())
    .then(
      (body) => {
        place.textContent = body;
      },
      (error) => {
        place.textContent = error.message;
      },
    );
  return place;
}

function text(it, parts) {
  const found =
    parts.find((part) => part.content_type === 'text/plain' && !part.filename) ??
    parts.find((part) => part.content_type.startsWith('text/'));
  if (!found) return h('p', { class: 'note' }, 'It has no part that is text.');
  return fetched(partPath(it, found, 'text'), 'Text');
}

function frame(it, part) {
  return [
    h(
      'p',
      { class: 'hint' },
      icon('lock'),
      'Without script and without network: nothing that the mail names is fetched.',
    ),
    h('iframe', {
      class: 'mail-frame',
      sandbox: '',
      referrerpolicy: 'no-referrer',
      title: 'HTML of the message',
      src: address(partPath(it, part, 'html')),
    }),
  ];
}

function headers(it) {
  return h(
    'table',
    { class: 'headers' },
    h(
      'tbody',
      {},
      h('tr', {}, h('th', { scope: 'row' }, 'Received'), h('td', {}, it.received.replace(/^Received:\s*/, ''))),
      it.headers.map(({ name, value }) => h('tr', {}, h('th', { scope: 'row' }, name), h('td', {}, value))),
    ),
  );
}

function part(it, one) {
  return h(
    'li',
    {},
    h(
      'span',
      {},
      one.content_type,
      one.filename ? ` “${one.filename}”` : '',
      h('span', { class: 'hint' }, `${size(one.size)}${one.encoding ? `, ${one.encoding}` : ''}`),
    ),
    one.parts.length > 0
      ? h(
          'ul',
          {},
          one.parts.map((inner) => part(it, inner)),
        )
      : h(
          'a',
          { class: 'button quiet', href: address(partPath(it, one)), download: one.filename ?? true },
          'Save',
        ),
  );
}

function raw(it) {
  const place = fetched(`${path('messages', it.id)}/raw`, 'Raw message');
  return [place, button('Copy', () => copy(place.textContent, 'The raw message'))];
}

function came(it) {
  return [
    facts([
      ['Security', it.security === 'tls' ? 'encrypted' : 'in clear'],
      ['Sending machine', machine(it.remote)],
      ['EHLO', it.helo],
      ['MAIL FROM', it.mail_from || '<>'],
      ['RCPT TO', it.rcpt_to.join(', ')],
      ['Protocol', it.protocol],
      ['Connector', `${it.computer}\\${it.connector} (${it.fqdn})`],
      ['Logged on as', it.user],
      ['REQUIRETLS', it.requiretls],
      ['TLS-Required', it.tls_required],
      ['Time', time(it.time)],
      ['Size', size(it.size)],
      ['Message-ID', it.message_id],
    ]),
    it.tls ? h('section', {}, h('h3', {}, 'TLS'), tls(it.tls)) : null,
  ];
}
