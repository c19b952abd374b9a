// Messages: every mail that was taken, and how it came. One is unread until it is opened; what is removed is gone
// from the list, and the journal keeps it.

import { json, path } from './api.js';
import { h } from './dom.js';
import { decoded, machine, plural, security, short, size } from './format.js';
import { listView } from './list-view.js';
import { touched } from './live.js';
import { message } from './message.js';
import { notifying } from './notify.js';
import { nothing } from './sessions.js';
import { button, notice, told } from './ui.js';

/** How many messages one request names. */
const MOST_IDS = 500;

export function messages({ lab }) {
  let view = null;
  let open = null;
  const read = button('', () => mark([...view.list.marks.keys], true), { kind: 'quiet' });
  const remove = button('', () => take([...view.list.marks.keys]), { kind: 'quiet' });
  view = listView({
    name: 'messages',
    key: 'id',
    label: 'Messages',
    detail: 'Message',
    filters: ['q', 'security', 'peer', 'connector', 'read'],
    columns: [
      {
        name: 'state',
        label: 'TLS',
        cell: (it) => [it.read ? null : h('span', { class: 'sr' }, 'Unread, '), security(it)],
      },
      { name: 'main', label: 'Subject', cell: (it) => decoded(it.subject) || '(no subject)' },
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
    tone: (it) => (it.read ? '' : 'unread'),
    marking: { onChange: label, onRemove: (ids) => told(() => take(ids)) },
    search: 'Search messages',
    hint: 'Words that are in it. "two words" stand together, -word is not in it, and from: to: subject: helo: peer: body: search there alone.',
    selects: {
      security: [
        'TLS',
        [
          ['', 'TLS and clear'],
          ['tls', 'Over TLS'],
          ['clear', 'In clear'],
        ],
      ],
      read: [
        'Read',
        [
          ['', 'Read and unread'],
          ['false', 'Unread'],
          ['true', 'Read'],
        ],
      ],
      peer: ['Sending machine', [['', 'All machines']]],
      connector: ['Connector', [['', 'All connectors']]],
    },
    more: [read, remove, notifying()],
    none: 'Select a message to see how it came and what is in it.',
    gone: 'This message is gone: it was deleted, or the lab began anew.',
    empty: (filtered) => nothing(filtered, 'No mail yet.', 'messages'),
    menu: (it, { patch, exclude }) => [
      { label: 'Delete', run: () => take([it.id]) },
      { label: 'Mark as unread', run: () => mark([it.id], false) },
      {
        label: it.security === 'tls' ? 'Only over TLS' : 'Only in clear',
        run: () => patch({ security: it.security }),
      },
      { label: `Only from ${machine(it.remote)}`, run: () => patch({ peer: machine(it.remote) }) },
      {
        label: `Exclude ${it.mail_from || 'the null sender'}`,
        run: () => exclude(it.mail_from),
      },
    ],
    show: (it) =>
      message(it, {
        tab: view.tab(),
        onTab: (tab) => view.patch({ tab }),
        more: button('Delete', () => take([it.id]), { kind: 'danger', title: 'The journal keeps it' }),
      }),
    shown: opened,
    adds: ({ kinds }) => kinds.message > 0,
  });
  label();

  /** Says what the buttons above the list act on. */
  function label() {
    const some = view?.list.marks.size ?? 0;
    read.textContent = some > 0 ? `Mark ${some} as read` : 'Mark all as read';
    remove.textContent = some > 0 ? `Delete ${some}` : 'Delete all';
    read.disabled = view?.list.total === 0;
    remove.disabled = view?.list.total === 0;
    remove.title = `Takes ${some > 0 ? 'what is marked' : 'what the filter shows'} out of the list; the journal keeps it`;
  }

  /** Asks something of the messages with these ids; of all that the filter shows where none are given. */
  async function each(method, ids, body) {
    if (ids.length === 0) return json(method, path('messages'), { query: view.query(), body });
    const sum = {};
    for (let at = 0; at < ids.length; at += MOST_IDS) {
      const some = ids.slice(at, at + MOST_IDS).join(',');
      const answer = await json(method, path('messages'), { query: { ids: some }, body });
      for (const [name, number] of Object.entries(answer)) sum[name] = (sum[name] ?? 0) + number;
    }
    return sum;
  }

  async function mark(ids, as) {
    const { marked } = await each('PATCH', ids, { read: as });
    notice(`${plural(marked, 'message')} marked as ${as ? 'read' : 'unread'}`);
    view.list.marks.set(ids, false);
    touched();
    await view.list.reload();
  }

  /** Removes messages; the one that follows in the list is opened in the place of one that is open still. */
  async function take(ids) {
    const { list } = view;
    const gone = new Set(ids.map(String));
    const shown = view.selected();
    const at = list.items.findIndex((it) => String(it.id) === shown);
    const rest = (items) => items.find((it) => !gone.has(String(it.id)));
    const next = at < 0 ? undefined : (rest(list.items.slice(at)) ?? rest(list.items.slice(0, at).reverse()));
    const { removed } = await each('DELETE', ids);
    notice(`${plural(removed, 'message')} deleted`);
    touched();
    await list.reload();
    if (!list.element.isConnected || view.selected() !== shown) return;
    if (ids.length === 0) view.select(undefined);
    else if (gone.has(shown)) view.select(next?.id);
    if (list.element.contains(document.activeElement)) list.focus();
  }

  /** Marks a message as read when it is opened, and not again while it is open. */
  async function opened({ id }) {
    if (id === open) return;
    open = id;
    if (view.list.items.find((it) => it.id === id)?.read) return;
    // A message that is gone, or a lab that does not answer, is told of by the list.
    await json('PATCH', path('messages', id), { body: { read: true } }).then(touched, () => {});
  }

  return view;
}
