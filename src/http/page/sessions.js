// Sessions: every conversation, while it goes on and afterwards, with what TLS came to and what it amounts to.

import { address, get, path } from './api.js';
import { h } from './dom.js';
import { facts, heading, machine, plain, security, short, time } from './format.js';
import { listView } from './list-view.js';
import { swaks } from './picture.js';
import { go, link } from './router.js';
import { send } from './send.js';
import { button, command, copy, download, failure } from './ui.js';

export function sessions({ lab }) {
  return listView({
    name: 'sessions',
    key: 'session',
    label: 'Sessions',
    detail: 'Session',
    filters: ['q', 'peer', 'connector', 'open'],
    columns: [
      { name: 'state', label: 'TLS', cell: security },
      { name: 'time', label: 'Began', cell: (it) => short(it.began, lab()?.now) },
      { name: 'peer', label: 'Peer', cell: (it) => it.peer ?? it.remote },
      { name: 'connector', label: 'Connector', cell: (it) => it.connector },
      {
        name: 'main',
        label: 'Outcome',
        cell: (it) => (it.ending ? outcome(it) : h('span', { class: 'open' }, 'under way')),
      },
    ],
    search: 'Search sessions',
    selects: {
      open: [
        'State',
        [
          ['', 'All states'],
          ['true', 'Under way'],
        ],
      ],
      peer: ['Peer', [['', 'All peers']]],
      connector: ['Connector', [['', 'All connectors']]],
    },
    none: 'Select a session to see what was said.',
    gone: 'This session is no longer kept.',
    empty: (filtered) => nothing(filtered, 'Nobody has connected yet.', 'sessions'),
    menu: (it, { patch, exclude }) => [
      { label: `Only from ${machine(it.remote)}`, run: () => patch({ peer: machine(it.remote) }) },
      { label: 'Only this connector', run: () => patch({ connector: it.connector }) },
      { label: `Exclude ${machine(it.remote)}`, run: () => exclude(machine(it.remote)) },
    ],
    load: (id) => Promise.all([get(path('sessions', id)), get(path('verdicts'))]),
    show: ([session, verdicts]) => show(session, verdict(verdicts, session)),
    adds: ({ sessions: touched }) => touched === null || touched.length > 0,
    touches: ({ sessions: touched }, id) => touched === null || touched.includes(id),
  });
}

const outcome = (it) => it.outcome.replace(/^session \S+ (?:from|to) \S+: /, '');

const verdict = (verdicts, session) =>
  verdicts.find((it) => it.conversations.some(({ session: id }) => id === session.session));

function show(it, found) {
  const text = it.transcript.join('\n');
  const mine = found?.conversations.find(({ session }) => session === it.session);
  const neighbor = (id, words) => (id ? h('a', { href: link('sessions', [id]) }, words) : null);
  const fallBack = found?.fall_back;
  return h(
    'div',
    { class: 'card' },
    h('h2', {}, `Session ${it.session}`, h('span', { class: 'hint' }, outcome(it))),
    h('p', {}, security(it), ' ', it.ending ? null : h('span', { class: 'open' }, 'under way')),
    it.previous || it.next
      ? h(
          'p',
          { class: 'links' },
          neighbor(it.previous, '← previous session of this peer'),
          neighbor(it.next, 'next session of this peer →'),
        )
      : null,
    fallBack ? h('p', { class: 'note' }, `Fallback: ${plain(fallBack)}`) : null,
    it.faults?.length > 0
      ? h(
          'section',
          {},
          h('h3', {}, 'Faults fired'),
          h(
            'ul',
            {},
            it.faults.map((fault) => h('li', {}, plain(fault))),
          ),
        )
      : null,
    facts([
      ['From', it.sends ? it.local : it.remote],
      ['To', `${it.sends ? it.remote : it.local}, ${it.connector}`],
      ['Began', time(it.began)],
      ['Messages', `${it.messages_over_tls} over TLS, ${it.messages_in_clear} in clear`],
      ['TLS', it.tls ? inShort(it.tls) : null],
      ['What this peer did in all', mine ? found.words : null],
    ]),
    it.tls_failure ? h('section', {}, h('h3', {}, 'TLS failed'), tls(it.tls_failure)) : null,
    h('h3', {}, 'What was said'),
    transcript(it.transcript),
    it.tls ? h('section', {}, h('h3', {}, 'TLS'), tls(it.tls)) : null,
    h(
      'div',
      { class: 'buttons' },
      button('Copy as text', () => copy(text, 'The transcript')),
      button('Download', () =>
        download(address(`${path('sessions', it.session)}/text`), `session-${it.session}.txt`),
      ),
    ),
  );
}

/** Returns what is known of a TLS session, whatever members it has. */
export function tls(it) {
  const rows = (value) =>
    Object.entries(value).filter(([, one]) => one !== null && !(Array.isArray(one) && one.length === 0));
  return facts(
    rows(it).map(([key, value]) => [
      heading(key),
      typeof value === 'object' && !Array.isArray(value)
        ? facts(rows(value).map(([name, one]) => [heading(name), plain(one)]))
        : plain(value),
    ]),
  );
}

/** Returns the facts of a TLS session that are asked for first. */
function inShort({ verb, facts: { cipher_suite: cipher, key_exchange: group, server_name: name } }) {
  return `${verb}, ${cipher}, ${group}, ${name ? `SNI ${name}` : 'no SNI'}`;
}

const LINES = {
  'S: ': 'server',
  'C: ': 'client',
  '== ': 'tls',
  '++ ': 'mail',
  '!! ': 'fault',
  '~~ ': 'fault',
  '=> ': 'fact',
};

/** Returns a transcript, each line marked by who said it. */
export function transcript(lines) {
  return h(
    'pre',
    { class: 'transcript', tabindex: '0', 'aria-label': 'Transcript' },
    lines.map((line) => {
      const kind = /STARTTLS/.test(line) && /^[SC]: /.test(line) ? 'starttls' : '';
      return h('span', { class: `line ${LINES[line.slice(0, 3)] ?? 'fact'} ${kind}` }, `${line}\n`);
    }),
  );
}

/** Returns what an empty list says: what to type, or how to see more. */
export function nothing(filtered, words, view) {
  if (filtered) {
    return h(
      'div',
      { class: 'empty' },
      h('p', {}, 'Nothing fits the filter.'),
      button('Clear the filter', () => go(link(view), { replace: true })),
    );
  }
  const line = h('div', {});
  get(path('connectors')).then(
    (connectors) => {
      const listening = connectors.find((it) => it.addrs.length > 0);
      line.append(
        listening
          ? command(swaks(listening), { label: 'swaks line' })
          : h('p', { class: 'note' }, 'No connector listens.'),
      );
    },
    (error) => line.append(failure(error)),
  );
  return h(
    'div',
    { class: 'empty' },
    h('p', {}, words, ' Send a message from here, or type:'),
    line,
    button('Send a test message', () => send(), { kind: 'primary' }),
  );
}
