// Faults: what each connector does wrong on purpose, how often it was done, and the fault catalogue to pick from.

import { get, inOrder, path, put } from './api.js';
import { h, icon } from './dom.js';
import { facts, plain } from './format.js';
import { LocalList } from './list.js';
import { swaks } from './picture.js';
import { go, link } from './router.js';
import { filters, split, tools } from './split.js';
import { button, command, failure, field, notice, renew, select } from './ui.js';

const GROUPS = ['names', 'trust', 'starttls', 'policy', 'smtp'];

export function faults() {
  let route = null;
  let catalogue = null;
  let connectors = [];
  const patch = (change) =>
    go(link('faults', route.segments, { ...Object.fromEntries(route.query), ...change }), { replace: true });
  const list = new LocalList({
    key: 'name',
    label: 'Fault catalogue',
    name: 'faults',
    columns: [
      { name: 'name', label: 'Name', cell: (it) => it.name },
      { name: 'main', label: 'What goes wrong', cell: (it) => it.title },
      { name: 'group', label: 'Group', cell: (it) => it.group },
    ],
    empty: () => h('p', { class: 'note' }, 'No fault fits the filter.'),
    onSelect: (it) => go(link('faults', [it.name], route.query), { replace: true }),
    onOpen: () => view.focus(),
  });
  const bar = tools({
    search: 'Search faults',
    selects: { group: ['Group', [['', 'All groups'], ...GROUPS.map((it) => [it, it])]] },
    onChange: patch,
  });
  const view = split({
    list,
    tools: bar.element,
    label: 'Fault',
    kind: 'even',
    leave: () => go(link('faults', [], route.query), { replace: true }),
  });
  const current = h('section', { class: 'card in-force', 'aria-label': 'Fault rules in force' });
  const element = h('div', { class: 'page tall' }, current, view.element);

  const load = inOrder(
    () => Promise.all([catalogue ?? get(path('catalogue')), get(path('connectors')), get(path('faults'))]),
    ([all, listed, rows]) => {
      catalogue = all;
      connectors = listed;
      const flashing = current.rows ?? rows;
      renew(current, rows, () => inForce(rows, flashing, load));
      current.rows = rows;
      draw();
    },
  );

  function draw() {
    const { q, group } = filters(route.query, ['q', 'group']);
    const wanted = q.toLowerCase().split(/\s+/);
    const shown = catalogue.faults.filter(
      (it) =>
        (!group || it.group === group) &&
        wanted.every((word) =>
          `${it.name} ${it.title} ${it.wire} ${(it.aliases ?? []).join(' ')} ${(it.rfc ?? []).join(' ')}`
            .toLowerCase()
            .includes(word),
        ),
    );
    list.set(shown, q !== '' || group !== '');
    const chosen = catalogue.faults.find((it) => it.name === route.segments[0]);
    list.select(chosen?.name ?? null);
    if (!chosen) {
      view.none('Pick a fault to see what it does on the wire, and to add it to a connector.');
      return;
    }
    view.selected();
    const targets = connectors.map((it) => [it.computer, it.name, it.addrs]);
    renew(view.body, [chosen, targets], () => entry(chosen, connectors, load));
  }

  return {
    element,
    async update(next) {
      route = next;
      bar.set(route.query);
      await (catalogue === null ? load() : draw());
    },
    changed: ({ kinds }) => (kinds.changed || kinds.gap || kinds.misconduct ? load() : undefined),
    destroy: () => list.destroy(),
  };
}

/** Returns a rule in words: where, what, and what follows. */
function rule({ at, do: what, then, times, when, connector }) {
  const each = (one) =>
    typeof one === 'string'
      ? one
      : Object.entries(one)
          .map(([key, value]) => `${key.replaceAll('-', ' ')}: ${plain(value)}`)
          .join(', ');
  const acts = (Array.isArray(what) ? what : [what]).map(each).join('; ');
  return {
    at,
    acts,
    then: then ?? '',
    times: times ? `${times} time${times === 1 ? '' : 's'}` : 'whenever it fits',
    when: when && Object.keys(when).length > 0 ? plain(when) : '',
    connector: connector ?? 'every connector',
  };
}

/** Changes the rules of a computer as they are now, which somebody else may have changed meanwhile. */
async function change(computer, work) {
  const rows = await get(path('faults'));
  const rules = rows.filter((row) => row.computer === computer).map((row) => row.fault);
  await put(path('computers', computer, 'faults'), { fault: work(rules) });
}

function inForce(rows, before, changed) {
  if (rows.length === 0) {
    return [
      h('h2', { class: 'sr' }, 'Fault rules in force'),
      h('p', {}, icon('ok'), ' Nothing goes wrong on purpose. Pick a fault from the catalogue and add it to a connector.'),
    ];
  }
  const remove = async ({ computer, fault }) => {
    await change(computer, (rules) => {
      const at = rules.findIndex((it) => JSON.stringify(it) === JSON.stringify(fault));
      return rules.filter((_, index) => index !== at);
    });
    await changed();
  };
  return [
    h('h2', {}, 'Fault rules in force'),
    h(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Fault rules' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ['Connector', 'At', 'Does', 'Then', 'How often', 'Fired', ''].map((it) =>
              h('th', { scope: 'col' }, it),
            ),
          ),
        ),
        h(
          'tbody',
          {},
          rows.map((row) => {
            const it = rule(row.fault);
            const was = before.find((one) => one.computer === row.computer && one.row === row.row);
            const fired = was && row.done > was.done;
            return h(
              'tr',
              { class: fired ? 'fired' : null },
              h('td', {}, `${row.computer}${row.fault.connector ? '\\' : ': '}${it.connector}`),
              h('td', {}, it.at, it.when ? h('span', { class: 'hint' }, it.when) : null),
              h('td', {}, it.acts),
              h('td', {}, it.then),
              h('td', {}, it.times),
              h(
                'td',
                {},
                row.done === 0 ? h('span', { class: 'not-tried' }, 'not yet') : h('b', {}, `${row.done}×`),
              ),
              h(
                'td',
                {},
                button('Remove', () => remove(row), { kind: 'quiet' }),
              ),
            );
          }),
        ),
      ),
    ),
  ];
}

function entry(it, connectors, changed) {
  const computers = [...new Set(connectors.map((one) => one.computer))];
  const place = h('div', { 'aria-live': 'polite' });
  const on = select([
    ...computers.map((computer) => [JSON.stringify([computer, null]), `${computer}: every receive connector`]),
    ...connectors.map((one) => [JSON.stringify([one.computer, one.name]), `${one.computer}\\${one.name}`]),
  ]);
  const often = select(
    [
      ['once', 'For the next connection'],
      ['always', 'For every connection'],
    ],
    'once',
  );
  const add = async () => {
    const [computer, connector] = JSON.parse(on.value);
    const mine = it.fault.map((row) => ({
      ...row,
      ...(connector ? { connector } : {}),
      ...(often.value === 'once' ? { times: 1 } : {}),
    }));
    try {
      await change(computer, (rules) => [...mine, ...rules]);
      notice(`${it.name} is in force`);
      await changed();
      const target = connectors.find(
        (one) => one.computer === computer && (!connector || one.name === connector) && one.addrs.length > 0,
      );
      place.replaceChildren(
        h('p', {}, 'In force. To see it fire:'),
        ...(target ? [command(swaks(target), { label: 'swaks line' })] : []),
      );
    } catch (error) {
      if (!place.isConnected) throw error;
      place.replaceChildren(failure(error));
    }
  };
  const instead = async () => {
    try {
      await put(path('scenario'), { name: it.name });
      notice(`${it.name} is in place`);
      await changed();
    } catch (error) {
      if (!place.isConnected) throw error;
      place.replaceChildren(failure(error));
    }
  };
  return h(
    'div',
    { class: 'card' },
    h('h2', {}, it.name, h('span', { class: 'hint' }, it.title)),
    facts([
      ['On the wire', it.wire],
      ['See', (it.rfc ?? []).join(', ')],
      ['Also called', (it.aliases ?? []).join(', ')],
      ['Stages', (it.stages ?? []).join(', ')],
    ]),
    it.fault.length > 0
      ? [
          h(
            'ul',
            {},
            it.fault.map((row) => {
              const one = rule(row);
              return h('li', {}, h('b', {}, `at ${one.at}: `), one.acts, one.then ? `, then ${one.then}` : '');
            }),
          ),
          h('div', { class: 'pair' }, field('On', on), field('How often', often)),
          h('div', { class: 'buttons' }, button('Add fault', add, { kind: 'primary' })),
        ]
      : [
          h(
            'p',
            { class: 'note' },
            icon('info'),
            'This fault is a configuration, not a fault rule. To see it, put its lab in the place of this one.',
          ),
          h('div', { class: 'buttons' }, button('Put this lab in place', instead)),
        ],
    place,
  );
}
