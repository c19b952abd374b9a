// Event Viewer: the Application log, and for each event what it means in this lab and what would fix it.

import { h } from './dom.js';
import { fix, useless } from './commands.js';
import { facts, level, time } from './format.js';
import { listView } from './list-view.js';
import { go, link } from './router.js';
import { button, copy, tabs } from './ui.js';

export function events() {
  return listView({
    name: 'events',
    key: 'seq',
    label: 'Application',
    detail: 'Event',
    kind: 'over',
    filters: ['q', 'level', 'event_id', 'computer'],
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
    menu: (it, { patch, exclude }) => [
      { label: `Only event ${it.event_id}`, run: () => patch({ event_id: it.event_id }) },
      { label: `Only level ${it.level}`, run: () => patch({ level: it.level }) },
      { label: `Exclude event ${it.event_id}`, run: () => exclude(it.event_id) },
    ],
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
    none: 'Select an event to see it, what it means here, and what fixes it.',
    gone: 'This event is no longer kept.',
    show,
    adds: ({ kinds }) => kinds.event > 0,
  });
}

function show(event, view) {
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
      selected: view.tab() ?? 'general',
      label: 'Event',
      onChange: (id) => view.patch({ tab: id }),
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
          ? event.fixes.map((it) =>
              fix(
                it,
                {
                  computer: it.on ?? event.connector?.computer,
                  connector: event.connector?.sends ? undefined : event.connector?.name,
                },
                () => view.detail(),
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
