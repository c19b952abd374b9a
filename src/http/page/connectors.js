// The connectors, each with its properties and the selection of its certificate.

import { get, inOrder, path } from './api.js';
import { fix, useless } from './commands.js';
import { properties } from './connector-properties.js';
import { h, icon } from './dom.js';
import { chip, day, facts } from './format.js';
import { LocalList } from './list.js';
import { swaks } from './picture.js';
import { go, link } from './router.js';
import { send } from './send.js';
import { filters, split, tools } from './split.js';
import { button, command, renew } from './ui.js';

/** What tells connectors apart; a Send connector may have the name of a receive connector. */
const identity = (it) => `${it.kind === 'send' ? 'send ' : ''}${it.computer}\\${it.name}`;

export function connectors() {
  let route = null;
  let all = null;
  let chosen = null;
  let shown = null;
  const list = new LocalList({
    key: 'identity',
    label: 'Connectors',
    name: 'connectors',
    columns: [
      { name: 'main', label: 'Name', cell: (it) => it.name },
      { name: 'fqdn', label: 'FQDN', cell: (it) => it.fqdn ?? '' },
      { name: 'computer', label: 'Computer', cell: (it) => it.computer },
      { name: 'state', label: 'STARTTLS', cell: state },
    ],
    empty: (filtered) =>
      h(
        'p',
        { class: 'note' },
        filtered
          ? 'No connector fits the filter.'
          : 'The lab has no receive connector. New-ReceiveConnector in the Shell makes one.',
      ),
    onSelect: (it) =>
      go(link('connectors', [it.computer, it.name], { ...Object.fromEntries(route.query), kind: it.kind }), {
        replace: true,
      }),
    onOpen: () => view.focus(),
  });
  const bar = tools({ search: 'Search connectors', onChange: (change) => patch(change) });
  const view = split({
    list,
    tools: bar.element,
    label: 'Properties',
    kind: 'side',
    leave: () => go(link('connectors', [], route.query), { replace: true }),
  });
  const patch = (change) =>
    go(link(route.view, route.segments, { ...Object.fromEntries(route.query), ...change }), { replace: true });

  const load = inOrder(
    () => Promise.all([get(path('connectors')), get(path('send-connectors')), get(path('computers'))]),
    ([receive, sending, computers]) => {
      const send = sending.map((it) => ({
        ...it,
        kind: 'send',
        subscribed_to: computers.find(({ name }) => name === it.computer)?.subscribed_to,
      }));
      all = [...receive, ...send].map((it) => ({ ...it, identity: identity(it) }));
      return draw();
    },
  );

  async function draw() {
    const { q, kind } = filters(route.query, ['q', 'kind']);
    const wanted = q.toLowerCase();
    list.set(
      all.filter((it) => `${it.identity} ${it.fqdn ?? ''}`.toLowerCase().includes(wanted)),
      q !== '',
    );
    const [computer, name] = route.segments;
    chosen =
      all.find(
        (it) => it.computer === computer && (name === undefined || it.name === name) && (it.kind ?? '') === kind,
      ) ?? (all.length === 1 ? all[0] : null);
    list.select(chosen?.identity ?? null);
    view.element.classList.toggle('single', all.length === 1);
    if (!chosen) {
      shown = null;
      view.none('Select a connector to see its properties and which certificate it would use.');
      return;
    }
    view.selected();
    await check(chosen);
  }

  /** Shows a connector, unless another one has been chosen meanwhile. */
  const check = inOrder(
    ({ computer, name }) => get(path('check'), { computer, connector: name }),
    (report, mine) => mine === chosen && detail(mine, report),
  );

  function detail(mine, report) {
    const { kind } = mine;
    const found =
      kind === 'send'
        ? report.send_connectors.find((it) => `send ${it.identity}` === mine.identity)
        : report.connectors.find((it) => it.identity === mine.identity);
    if (shown?.identity !== mine.identity || !view.body.contains(shown.form.element)) {
      shown = {
        identity: mine.identity,
        form: properties(mine, { tab: route.query.get('tab'), onTab: (tab) => patch({ tab }), onApplied: load }),
        side: h('div', {}),
      };
      view.body.renewedFor = undefined;
      view.body.replaceChildren(h('div', { class: 'dialog-pair' }, shown.form.element, shown.side));
    } else shown.form.set(mine);
    renew(shown.side, [found, mine.addrs], () =>
      kind === 'send' ? sending(mine, found, load) : selection(mine, found),
    );
  }

  return {
    element: view.element,
    async update(next) {
      route = next;
      bar.set(route.query);
      await (all === null ? load() : draw());
    },
    changed: ({ kinds }) => (kinds.changed || kinds.event || kinds.gap ? load() : undefined),
    destroy: () => list.destroy(),
  };
}

function state({ starttls, enabled, kind }) {
  if (kind === 'send') return chip('plain', 'sessions', 'sends');
  if (!enabled) return chip('none', 'none', 'disabled');
  return starttls.offered
    ? chip('good', 'lock', 'offered')
    : chip('bad', 'withheld', 'not offered', starttls.because);
}

/** Returns the certificates of the store, each with why it fits or not, below what was searched for. */
const candidates = (title, connector, found) =>
  h(
    'section',
    { class: 'card' },
    h('h3', {}, title),
    h(
      'p',
      {},
      'Searched for: ',
      h('code', {}, found.search_key),
      h('span', { class: 'hint' }, found.search_key_origin),
    ),
    h(
      'ul',
      { class: 'candidates' },
      found.certificates.map((it) => candidate(connector, it)),
    ),
  );

/** Returns the selection: each certificate of the store, fits or why not, and what follows for senders. */
function selection(connector, found) {
  if (!found) return h('p', { class: 'note' }, connector.starttls.because);
  return [
    h(
      'section',
      { class: `card verdict ${connector.starttls.offered ? 'good' : 'bad'}` },
      h(
        'div',
        { class: 'verdict-head' },
        icon(connector.starttls.offered ? 'lock' : 'withheld'),
        h('div', {}, h('h3', {}, found.verdict), h('p', {}, found.cause)),
      ),
    ),
    candidates('Which certificate is used', connector, found),
    h(
      'section',
      { class: 'card' },
      h('h3', {}, 'What senders do'),
      facts(found.senders.map((it) => [it.case, it.words])),
    ),
    connector.addrs.length > 0
      ? h(
          'section',
          { class: 'card' },
          h('h3', {}, 'Try it'),
          command(swaks(connector), { label: 'swaks line' }),
          button('Send a test message', () => send(connector)),
        )
      : null,
    useless(found.useless),
  ];
}

/** Returns what becomes of a Send connector: what it demands, which certificate it presents, and what fixes it. */
function sending(connector, found, changed) {
  if (!found) return h('p', { class: 'note' }, 'Nothing is known of this Send connector.');
  const wrong = found.events.length > 0 || found.fixes.length > 0;
  return [
    h(
      'section',
      { class: `card verdict ${wrong ? 'bad' : 'good'}` },
      h(
        'div',
        { class: 'verdict-head' },
        icon(wrong ? 'withheld' : 'lock'),
        h('div', {}, h('h3', {}, found.verdict), h('p', {}, found.cause)),
      ),
      facts([
        ['Sends', found.way],
        ['Demands', found.demands],
        ['Name in EHLO', found.fqdn],
        ['Set on', found.edited_on],
      ]),
    ),
    found.fixes.length > 0
      ? h(
          'section',
          { class: 'card', 'aria-label': 'Fixes' },
          h('h3', {}, 'What fixes it'),
          found.fixes.map((it) => fix(it, { computer: it.on ?? connector.computer }, changed)),
        )
      : null,
    candidates('Which certificate it presents', null, found),
  ];
}

function candidate(connector, it) {
  const used = connector !== null && it.thumbprint === connector.starttls.thumbprint;
  const fits = it.verdict !== 'not_eligible';
  const mark = used
    ? chip('good', 'ok', 'used')
    : fits
      ? chip('plain', 'info', 'fits')
      : chip('bad', 'refused', 'does not fit');
  return h(
    'li',
    { class: used ? 'candidate used' : 'candidate' },
    h('p', {}, mark, h('a', { href: link('certificates', [it.thumbprint]) }, `${it.subject} (${it.label})`)),
    h('p', { class: 'hint' }, it.words),
    h(
      'p',
      { class: 'dns' },
      it.names.map((name) => h('code', { class: name.covers ? 'covers' : '' }, name.name)),
    ),
    h('p', { class: 'hint' }, `valid ${day(it.not_before)} to ${day(it.not_after)}, services ${it.services}`),
  );
}
