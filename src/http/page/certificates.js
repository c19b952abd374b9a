// The certificates in the stores of the computers, as the MMC lists them, each with its dialog.

import { address, get, inOrder, path, post } from './api.js';
import { run } from './commands.js';
import { h, icon } from './dom.js';
import { chip, day, facts, time } from './format.js';
import { LocalList } from './list.js';
import { go, link } from './router.js';
import { filters, split, tools } from './split.js';
import {
  button,
  command,
  copy,
  dialog,
  download,
  failure,
  field,
  notice,
  once,
  renew,
  select,
  tabs,
} from './ui.js';

const commonName = (subject) => /(?:^|, )CN=([^,]+)/.exec(subject)?.[1] ?? subject;
const services = (it) => (Array.isArray(it.services) ? it.services.join(', ') : it.services) || 'none';

export function certificates({ lab }) {
  let route = null;
  let all = null;
  let chosen = null;
  let tab = 'general';
  const list = new LocalList({
    key: 'id',
    label: 'Certificates',
    name: 'certificates',
    columns: [
      { name: 'main', label: 'Issued To', cell: (it) => commonName(it.subject) },
      { name: 'issuer', label: 'Issued By', cell: (it) => commonName(it.issuer) },
      { name: 'expires', label: 'Expiration Date', cell: (it) => day(it.not_after) },
      { name: 'services', label: 'Services', cell: services },
      { name: 'state', label: 'Status', cell: (it) => status(it, lab()?.now) },
      { name: 'computer', label: 'Computer', cell: (it) => it.computer },
    ],
    empty: (filtered) =>
      h(
        'p',
        { class: 'note' },
        filtered ? 'No certificate fits the filter.' : 'The stores are empty. New makes a certificate.',
      ),
    onSelect: (it) =>
      go(link('certificates', [it.thumbprint], { ...Object.fromEntries(route.query), on: it.computer }), {
        replace: true,
      }),
    onOpen: () => view.focus(),
  });
  const bar = tools({
    search: 'Search certificates',
    onChange: (change) =>
      go(link('certificates', route.segments, { ...Object.fromEntries(route.query), ...change }), {
        replace: true,
      }),
    more: button('New…', () => create(lab, load), { kind: 'primary' }),
  });
  const view = split({
    list,
    tools: bar.element,
    label: 'Certificate',
    leave: () => go(link('certificates'), { replace: true }),
  });

  const load = inOrder(
    () => get(path('certificates')),
    (listed) => {
      all = listed.map((it) => ({ ...it, id: `${it.computer} ${it.thumbprint}` }));
      return draw();
    },
  );

  async function draw() {
    const { q, computer } = filters(route.query, ['q', 'computer']);
    const wanted = q.toLowerCase();
    const shown = all.filter(
      (it) =>
        (!computer || it.computer === computer) &&
        `${it.subject} ${it.names.join(' ')} ${it.thumbprint} ${it.label} ${it.computer}`
          .toLowerCase()
          .includes(wanted),
    );
    list.set(shown, q !== '' || computer !== '');
    const [thumbprint] = route.segments;
    const on = route.query.get('on');
    chosen =
      all.find((it) => it.thumbprint === thumbprint && (!on || it.computer === on)) ??
      (thumbprint ? null : shown.length === 1 ? shown[0] : null);
    list.select(chosen?.id ?? null);
    if (!chosen) {
      view.none(thumbprint ? 'This certificate is not in a store any more.' : 'Select a certificate to see it.');
      return;
    }
    await detail(chosen);
  }

  /** Shows a certificate, unless another one has been chosen meanwhile. */
  const detail = inOrder(
    ({ thumbprint }) => get(path('certificates', thumbprint)),
    (details, mine) => {
      if (mine !== chosen) return;
      view.selected();
      renew(view.body, { ...details, ...mine }, () => show({ ...details, ...mine }));
    },
  );

  function show(it) {
    const book = tabs(
      [
        { id: 'general', label: 'General', build: () => general(it, lab()?.now) },
        { id: 'details', label: 'Details', build: () => fields(it) },
        { id: 'path', label: 'Certification Path', build: () => chain(it) },
        { id: 'use', label: 'Used by', build: () => use(it) },
      ],
      {
        selected: tab,
        label: 'Certificate',
        onChange: (id) => {
          tab = id;
        },
      },
    );
    const place = h('div', {});
    const act = async (line) => {
      try {
        place.replaceChildren();
        if ((await run(line, it.computer)) === null) return;
        notice('Applied');
        await load();
      } catch (error) {
        if (!place.isConnected) throw error;
        place.replaceChildren(failure(error));
      }
    };
    const pem = address(`${path('certificates', it.thumbprint)}/pem`);
    return h(
      'div',
      { class: 'card' },
      h(
        'h2',
        {},
        commonName(it.subject),
        h('span', { class: 'hint' }, `${it.label}, in the store of ${it.computer}`),
      ),
      book.element,
      h(
        'div',
        { class: 'buttons' },
        button('Enable for SMTP', () =>
          act(`Enable-ExchangeCertificate -Thumbprint ${it.thumbprint} -Services SMTP`),
        ),
        button('Remove', () => act(`Remove-ExchangeCertificate -Thumbprint ${it.thumbprint}`), { kind: 'danger' }),
        button('Download (PEM)', () => download(pem, `${it.label}.pem`)),
        button('Copy thumbprint', () => copy(it.thumbprint, 'Thumbprint'), { kind: 'quiet' }),
      ),
      place,
    );
  }

  return {
    element: view.element,
    async update(next) {
      route = next;
      bar.set(route.query);
      await (all === null ? load() : draw());
    },
    changed: ({ kinds }) => (kinds.changed || kinds.gap ? load() : undefined),
    destroy: () => list.destroy(),
  };
}

function status(it, now) {
  if (it.private_key !== 'present') return chip('bad', 'error', `private key ${it.private_key}`);
  if (now && it.not_after < now) return chip('bad', 'error', 'expired');
  if (now && it.not_before > now) return chip('bad', 'error', 'not yet valid');
  if (it.chain !== 'valid') return chip('bad', 'warning', it.chain);
  return chip('good', 'ok', it.self_signed ? 'valid, self-signed' : 'valid');
}

const KEYS = {
  present: 'You have a private key that corresponds to this certificate.',
  missing: 'There is no private key for this certificate: it was imported without one.',
  unreadable: 'There is a private key, but the transport service cannot read it.',
};

function general(it, now) {
  return [
    h('p', {}, status(it, now)),
    facts([
      ['Issued to', commonName(it.subject)],
      ['Issued by', commonName(it.issuer)],
      ['Valid from', `${day(it.not_before)} to ${day(it.not_after)}`],
      [
        'Names',
        h(
          'span',
          { class: 'dns' },
          it.names.map((name) => h('code', {}, name)),
        ),
      ],
      ['Services', services(it)],
    ]),
    h(
      'p',
      { class: it.private_key === 'present' ? 'hint' : 'note' },
      icon(it.private_key === 'present' ? 'ok' : 'error'),
      KEYS[it.private_key] ?? it.private_key,
    ),
    it.internal_transport
      ? h('p', { class: 'hint' }, 'It is the internal transport certificate of this computer.')
      : null,
  ];
}

function fields(it) {
  return facts([
    ['Version', it.version ? `V${it.version}` : null],
    ['Serial number', it.serial_number],
    ['Signature algorithm', it.signature],
    ['Issuer', it.issuer],
    ['Valid from', time(it.not_before)],
    ['Valid to', time(it.not_after)],
    ['Subject', it.subject],
    ['Public key', it.public_key],
    [
      'Subject Alternative Name',
      h(
        'span',
        { class: 'dns' },
        it.names.map((name) => h('code', {}, `DNS Name=${name}`)),
      ),
    ],
    ['Thumbprint', h('code', {}, it.thumbprint)],
    ['Self-signed', it.self_signed],
  ]);
}

function chain(it) {
  const above = [...(it.chain_sent ?? [])].reverse();
  return [
    h(
      'ol',
      { class: 'chain' },
      it.self_signed
        ? null
        : h(
            'li',
            {},
            icon('certificates'),
            above.length > 0 ? commonName(above[0].issuer ?? it.issuer) : commonName(it.issuer),
          ),
      above.map((one) => h('li', {}, icon('certificates'), commonName(one.subject))),
      h('li', {}, icon('certificates'), h('b', {}, commonName(it.subject))),
    ),
    h(
      'p',
      {},
      'Status: ',
      it.chain === 'valid' ? 'Windows builds a chain to a root that it trusts.' : `Windows finds it ${it.chain}.`,
    ),
  ];
}

function use(it) {
  const used = it.connectors ?? [];
  if (used.length === 0) return h('p', { class: 'note' }, 'No connector presents it now.');
  return h(
    'ul',
    {},
    used.map((identity) => {
      const [computer, ...name] = identity.split('\\');
      return h('li', {}, h('a', { href: link('connectors', [computer, name.join('\\')]) }, identity));
    }),
  );
}

/** Opens the dialog that makes a certificate: with New-ExchangeCertificate, or from the lab's authority. */
function create(lab, done) {
  return dialog('New certificate', (close) => {
    const on = select(
      (lab()?.computers ?? []).map((it) => [it, it]),
      lab()?.computers[0],
    );
    const names = h('input', {
      type: 'text',
      required: true,
      autocomplete: 'off',
      spellcheck: 'false',
      placeholder: 'mail.expta.com, mailgate.expta.com',
      oninput: () => draw(),
    });
    const kind = select(
      [
        ['self', 'Self-signed, with New-ExchangeCertificate'],
        ['authority', 'From the lab’s authority, enabled for SMTP'],
      ],
      'self',
      () => draw(),
    );
    const place = h('div', { 'aria-live': 'polite' });
    const line = h('div', {});
    const all = () => names.value.split(/[\s,;]+/).filter(Boolean);
    const cmdlet = () =>
      `New-ExchangeCertificate -SubjectName "CN=${all()[0]}" -DomainName ${all().join(',')} -Services SMTP -PrivateKeyExportable $true`;
    function draw() {
      line.replaceChildren(
        ...(all().length > 0 && kind.value === 'self' ? [command(cmdlet(), { label: 'Cmdlet' })] : []),
      );
    }
    return h(
      'form',
      {
        onsubmit: once(async () => {
          try {
            if (kind.value === 'self') {
              if ((await run(cmdlet(), on.value)) === null) return;
            } else await post(path('certificates'), { computer: on.value, names: all(), services: ['SMTP'] });
          } catch (error) {
            if (!place.isConnected) throw error;
            place.replaceChildren(failure(error));
            return;
          }
          notice('The certificate is in the store');
          close();
          await done();
        }),
      },
      field('Computer', on),
      field('Names', names, 'The first one is the subject; commas between them.'),
      field('How', kind),
      line,
      place,
      h('div', { class: 'buttons' }, h('button', { type: 'submit', class: 'primary' }, 'Make it')),
    );
  });
}
