// Sends a test message as one of the built-in senders, and says how it ended.

import { get, path, post } from './api.js';
import { h, replace } from './dom.js';
import { chip } from './format.js';
import { link } from './router.js';
import { dialog, failure, field, once, select } from './ui.js';

const SEPARATOR = '\u0000';

/** Opens the dialog; `connector` is `{computer, name}` where one is meant. */
export async function send(connector) {
  const [senders, connectors] = await Promise.all([get(path('senders')), get(path('connectors'))]);
  const listening = connectors.filter((it) => it.addrs.length > 0);
  await dialog('Send a test message', (close) => build(close, { connector, senders, listening }));
}

function build(close, { connector, senders, listening }) {
  const about = h('p', { class: 'hint' });
  const usual = senders.find((it) => it.name === 'may' || it.aliases?.includes('may'))?.name;
  const describe = (name) => {
    about.textContent = senders.find((it) => it.name === name)?.about ?? '';
  };
  const to = select(
    listening.map((it) => [[it.computer, it.name].join(SEPARATOR), `${it.computer}\\${it.name} (${it.addrs[0]})`]),
    connector ? [connector.computer, connector.name].join(SEPARATOR) : undefined,
  );
  const policy = select(
    senders.map((it) => [it.name, [it.name, ...(it.aliases ?? [])].join(', ')]),
    usual,
    describe,
  );
  describe(usual);
  const from = h('input', { type: 'text', placeholder: 'as the lab has it', autocomplete: 'off' });
  const rcpt = h('input', { type: 'text', placeholder: 'as the lab has it', autocomplete: 'off' });
  const place = h('div', { class: 'outcome', 'aria-live': 'polite' });
  if (listening.length === 0) {
    return h('p', { class: 'note' }, 'No connector listens: each of them is disabled, or the lab has none.');
  }
  return h(
    'form',
    {
      onsubmit: once(async () => {
        const [computer, name] = to.value.split(SEPARATOR);
        const body = { computer, connector: name, policy: policy.value };
        if (from.value) body.from = from.value;
        if (rcpt.value) body.to = rcpt.value.split(/[\s,;]+/).filter(Boolean);
        try {
          replace(place, outcome(await post(path('send'), body), close));
        } catch (error) {
          replace(place, failure(error));
        }
      }),
    },
    field('To the connector', to),
    field('As the sender', policy),
    about,
    h('div', { class: 'pair' }, field('MAIL FROM', from), field('RCPT TO', rcpt)),
    h('div', { class: 'buttons' }, h('button', { type: 'submit', class: 'primary' }, 'Send')),
    place,
  );
}

function outcome(sent, close) {
  const mark = !sent.delivered
    ? chip('bad', 'refused', 'Not delivered')
    : sent.security === 'clear'
      ? chip('warn', 'open', 'Delivered in clear')
      : chip('good', 'lock', 'Delivered over TLS');
  return [
    h('p', {}, mark),
    h('p', {}, sent.sentence),
    sent.queue_error ? h('p', { class: 'hint' }, `The queue would say: ${sent.queue_error}`) : null,
    sent.next_attempt ? h('p', { class: 'hint' }, `It would try again at ${sent.next_attempt}.`) : null,
    h(
      'details',
      {},
      h('summary', {}, 'What was said'),
      h('pre', { class: 'said', tabindex: '0' }, (sent.transcript ?? []).join('\n')),
    ),
    h(
      'p',
      {},
      h('a', { href: link('sessions'), onclick: () => close() }, 'Sessions'),
      ' · ',
      h('a', { href: link('messages'), onclick: () => close() }, 'Messages'),
    ),
  ];
}
