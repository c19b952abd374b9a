// Event Viewer: the Application log, and for each event what it means in this lab and what would fix it.

import { get, path } from './api.js';
import { fix, useless } from './commands.js';
import { h } from './dom.js';
import { facts, level, time } from './format.js';
import { LiveList } from './list.js';
import { go, link } from './router.js';
import { filters, split, tools } from './split.js';
import { button, copy, renew, tabs } from './ui.js';

const FILTERS = ['q', 'level', 'event_id', 'computer'];

export function events() {
  let route = null;
  let tab = 'general';
  const patch = (change) =>
    go(link('events', route.segments, { ...Object.fromEntries(route.query), ...change }), { replace: true });
  const list = new LiveList({
    path: path('events'),
    key: 'seq',
    label: 'Application',
    name: 'events',
    columns: [
      { name: 'level', label: 'Level', cell: (it) => level(it.level) },
      { name: 'time', label: 'Date and Time', cell: (it) => time(it.time) },
      { name: 'main', label: 'Source', cell: (it) => it.source },
      { name: 'id', label: 'Event ID', cell: (it) => it.event_id },
      { name: 'category', label: 'Task Category', cell: (it) => it.category },
    ],
    empty: (filtered) =>
      h(
        'div',
        { class: 'empty' },
        filtered
          ? [
              h('p', {}, 'No event fits the filter.'),
              button('Clear the filter', () => go(link('events'), { replace: true })),
            ]
          : [
              h('p', {}, 'The Application log is empty: Exchange has found nothing to complain of.'),
              h('p', { class: 'hint' }, 'Change a name, or remove a certificate, and its event appears here.'),
            ],
      ),
    onSelect: (it) => go(link('events', [it.seq], route.query), { replace: true }),
    onOpen: () => view.focus(),
    menu: (it) => [
      { label: `Only event ${it.event_id}`, run: () => patch({ event_id: it.event_id }) },
      { label: `Only level ${it.level}`, run: () => patch({ level: it.level }) },
      {
        label: `Exclude event ${it.event_id}`,
        run: () => patch({ q: `${route.query.get('q') ?? ''} -${it.event_id}`.trim() }),
      },
      { label: 'Clear the filter', run: () => go(link('events', route.segments), { replace: true }) },
    ],
  });
  const bar = tools({
    search: 'Find in the log',
    selects: {
      level: [
        'Level',
        [
          ['', 'All levels'],
          ['Error', 'Error'],
          ['Warning', 'Warning'],
          ['Information', 'Information'],
        ],
      ],
      event_id: [
        'Event ID',
        [['', 'All ids'], ...[12014, 12015, 12016, 12017, 12018, 2004].map((it) => [String(it), String(it)])],
      ],
    },
    onChange: patch,
  });
  const view = split({
    list,
    tools: bar.element,
    label: 'Event',
    kind: 'over',
    leave: () => go(link('events', [], route.query), { replace: true }),
  });

  async function detail() {
    const [seq] = route.segments;
    list.select(seq ?? null);
    if (seq === undefined) {
      view.none('Select an event to see it, what it means here, and what fixes it.');
      return;
    }
    const event = await get(path('events', seq));
    if (seq !== route.segments[0]) return;
    view.selected();
    renew(view.body, event, () => show(event));
  }

  function show(event) {
    const { entry } = event;
    const book = tabs(
      [
        { id: 'general', label: 'General', build: () => general(event) },
        {
          id: 'details',
          label: 'Details',
          build: () => h('pre', { class: 'said xml', tabindex: '0' }, event.xml),
        },
      ],
      {
        selected: tab,
        label: 'Event',
        onChange: (id) => {
          tab = id;
        },
      },
    );
    return h(
      'div',
      { class: 'dialog-pair' },
      h(
        'section',
        { class: 'card', 'aria-label': `Event ${entry.event_id}` },
        h('h2', { class: 'dialog-title' }, `Event ${entry.event_id}, ${entry.source}`),
        book.element,
        h(
          'div',
          { class: 'buttons', role: 'group', 'aria-label': 'Copy' },
          button('Copy as one line', () => copy(event.line, 'The event as one line')),
          button('Copy as several lines', () => copy(event.block, 'The event')),
          button('Copy as XML', () => copy(event.xml, 'The XML')),
        ),
      ),
      h(
        'div',
        {},
        h(
          'section',
          { class: 'card' },
          h('h2', {}, 'What it means here'),
          h('p', {}, event.means ?? 'Nothing more is known of this event.'),
          event.connector
            ? h(
                'p',
                {},
                h(
                  'a',
                  {
                    href: link('connectors', [event.connector.computer, event.connector.name], {
                      kind: event.connector.sends ? 'send' : '',
                    }),
                  },
                  `Properties of ${event.connector.name}`,
                ),
              )
            : null,
        ),
        h(
          'section',
          { class: 'card', 'aria-label': 'Fixes' },
          h('h2', {}, 'What fixes it'),
          event.fixes?.length > 0
            ? event.fixes.map((it, index) =>
                fix(
                  it,
                  {
                    index,
                    computer: it.on ?? event.connector?.computer,
                    connector: event.connector?.sends ? undefined : event.connector?.name,
                  },
                  () => detail(),
                ),
              )
            : h(
                'p',
                { class: 'note' },
                'Nothing has to be fixed as the lab is now: the cause of this event is gone, or nothing is known that removes it.',
              ),
        ),
        useless(event.useless),
      ),
    );
  }

  return {
    element: view.element,
    async update(next) {
      route = next;
      bar.set(route.query);
      await list.filter(filters(route.query, FILTERS));
      await detail();
    },
    async changed({ kinds }) {
      if (kinds.changed || kinds.gap) {
        await list.reload();
        await detail();
      } else if (kinds.event) await list.refresh();
    },
    destroy: () => list.destroy(),
  };
}

function general({ entry, general: text }) {
  return [
    h('p', { class: 'description' }, text),
    facts([
      ['Log Name', 'Application'],
      ['Source', entry.source],
      ['Event ID', entry.event_id],
      ['Level', entry.level],
      ['Logged', time(entry.time)],
      ['Task Category', entry.category],
      ['Keywords', 'Classic'],
      ['User', 'N/A'],
      ['Computer', entry.event_computer],
    ]),
  ];
}
