// The picture: what is wrong, who sends to whom, and the five names.

import { address, get, inOrder, path } from './api.js';
import { fix } from './commands.js';
import { h, icon } from './dom.js';
import { WAYS, plural, way } from './format.js';
import { link } from './router.js';
import { send } from './send.js';
import { button, command, renew } from './ui.js';

/** The senders of the lab file are drawn, too, with what a dry run finds; it takes the lab a moment. */
const SENDERS = { senders: true, drawing: true };
/** How long the drawing stays as it is, at least, while mail comes. */
const REST = 2000;
/** How many connectors are told of one by one. */
const MOST = 12;

export function picture() {
  const verdicts = h('section', { class: 'verdicts', 'aria-label': 'What is wrong' });
  const drawing = h('section', { class: 'card drawing', 'aria-label': 'Who sends to whom' });
  const names = h('section', { class: 'names-box', 'aria-label': 'The names' });
  const senders = h('section', { class: 'card', 'aria-label': 'What senders do' });
  const element = h('div', { class: 'page' }, verdicts, names, drawing, senders);

  /** Asks what is configured. It takes longer in a lab of many connectors, where one that withholds STARTTLS is shown
   * before all of them are checked. */
  async function check(listed) {
    const connectors = await listed;
    const first = connectors.find((it) => it.enabled && !it.starttls.offered);
    const isEmpty = () => verdicts.childElementCount === 0;
    if (connectors.length > MOST && first && isEmpty()) {
      const one = await get(path('check'), { computer: first.computer, connector: first.name });
      if (isEmpty())
        renew(verdicts, one.connectors, () => [
          drawVerdicts(one.connectors, load),
          h('p', { class: 'hint' }, `Checking all of the ${plural(connectors.length, 'connector')}`),
        ]);
    }
    return get(path('check'));
  }

  const configured = inOrder(check, (check) => {
    const sending = (check.send_connectors ?? []).map((it) => ({ ...it, kind: 'send' }));
    const all = [...check.connectors, ...sending];
    renew(verdicts, all, () => drawVerdicts(all, load));
    renew(
      senders,
      check.connectors.map((it) => it.senders),
      () => drawSenders(check.connectors),
    );
  });

  const seen = inOrder(
    (listed) => Promise.all([get(path('picture'), SENDERS), listed]),
    ([picture, connectors]) => {
      const svg = picture.drawing;
      renew(names, [picture.names, picture.names_of], () => drawNames(picture.names, picture.names_of));
      renew(drawing, [svg, connectors.map((it) => it.addrs)], () => drawDrawing(svg, picture, connectors));
    },
  );

  const load = () => {
    const listed = get(path('connectors'));
    return Promise.all([configured(listed), seen(listed)]);
  };

  let timer = 0;
  let drawn = 0;
  /** Draws again, but not again and again: at once where nothing came for a while. */
  function later() {
    clearTimeout(timer);
    const rest = Math.max(0, drawn + REST - performance.now());
    timer = setTimeout(() => {
      drawn = performance.now();
      seen(get(path('connectors'))).catch(() => {});
    }, rest);
  }

  return {
    element,
    update: load,
    changed: ({ kinds }) => (kinds.changed || kinds.event || kinds.gap ? load() : later()),
    destroy: () => clearTimeout(timer),
  };
}

/** What `check` has something to say against. */
const isWrong = (it) =>
  it.starttls === 'withheld' || it.refused.length > 0 || it.fixes.length > 0 || it.events.length > 0;

function drawVerdicts(connectors, changed) {
  const wrong = connectors.filter(isWrong);
  const right = connectors.filter((it) => !isWrong(it));
  return [
    h('h2', { class: 'sr' }, 'What is wrong'),
    wrong.slice(0, MOST).map((it) => drawWrong(it, changed)),
    wrong.length > MOST
      ? h('p', {}, h('a', { href: link('connectors') }, `and ${plural(wrong.length - MOST, 'more connector')}`))
      : null,
    wrong.length === 0
      ? drawRight(right)
      : right.length > 0
        ? h('p', { class: 'hint' }, `${plural(right.length, 'other connector')} without a finding`)
        : null,
  ];
}

const place = (it) => [
  it.computer ?? it.identity.split('\\')[0],
  it.name ?? it.identity.split('\\').slice(1).join('\\'),
];

function drawWrong(it, changed) {
  const [computer, name] = place(it);
  const event = it.events[0];
  return h(
    'article',
    { class: 'card verdict bad' },
    h(
      'div',
      { class: 'verdict-head' },
      icon(it.starttls === 'withheld' ? 'withheld' : 'warning'),
      h('div', {}, h('h3', {}, it.verdict), h('p', {}, it.cause), h('p', { class: 'hint' }, it.identity)),
    ),
    h(
      'p',
      { class: 'links' },
      event
        ? h(
            'a',
            { href: link('events', [], { event_id: event.event_id }) },
            `Event ${event.event_id} in Event Viewer`,
          )
        : null,
      h('a', { href: link('connectors', [computer, name], { kind: it.kind }) }, 'Properties of the connector'),
      h('a', { href: link('certificates', [], { computer }) }, 'Certificates'),
    ),
    it.fixes.length > 0
      ? h(
          'details',
          { class: 'fixes' },
          h('summary', {}, it.fixes.length === 1 ? 'A fix' : `${it.fixes.length} fixes, each to be tried first`),
          it.fixes.map((proposal) =>
            fix(
              proposal,
              it.kind ? { computer: proposal.on ?? computer } : { computer, connector: name },
              changed,
            ),
          ),
        )
      : null,
  );
}

/** Returns what is said where nothing is wrong: a line for each connector. */
function drawRight(connectors) {
  return h(
    'article',
    { class: 'card verdict good' },
    connectors.slice(0, MOST).map((it) => {
      const [computer, name] = place(it);
      return h(
        'div',
        { class: 'verdict-head' },
        icon('ok'),
        h(
          'div',
          {},
          h('h3', {}, it.verdict),
          h('p', {}, it.cause),
          h(
            'p',
            { class: 'hint' },
            h('a', { href: link('connectors', [computer, name], { kind: it.kind }) }, it.identity),
          ),
        ),
      );
    }),
    connectors.length > MOST
      ? h('p', { class: 'hint' }, `and ${plural(connectors.length - MOST, 'more connector')}`)
      : null,
  );
}

function drawNames(names, of) {
  if (names.length === 0) return null;
  return [
    h('h2', {}, 'The names that have to agree', of ? h('span', { class: 'hint' }, of) : null),
    h(
      'ol',
      { class: 'names' },
      names.map((it) =>
        h(
          'li',
          { class: it.disagrees ? 'five disagrees' : 'five', data: { number: it.number } },
          h('span', { class: 'number', 'aria-hidden': 'true' }, it.number),
          h('span', { class: 'what' }, it.what),
          h('span', { class: 'value' }, it.value ?? 'not known'),
          it.disagrees ? h('span', { class: 'mark' }, icon('error'), `disagrees with ${others(it, names)}`) : null,
        ),
      ),
    ),
  ];
}

/** Returns the numbers of the names that a name disagrees with: all of them are compared with the certificate's, 2. */
function others(it, names) {
  return it.number === 2
    ? names
        .filter((one) => one.disagrees && one !== it)
        .map((one) => one.number)
        .join(' and ')
    : '2';
}

function drawDrawing(text, seen, connectors) {
  const parsed = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
  const listening = connectors.filter((it) => it.addrs.length > 0);
  const nobody = !seen.edges.some((edge) => edge.state !== 'none' && !edge.tried);
  return [
    h('h2', {}, 'Who sends to whom'),
    h('div', { class: 'canvas', tabindex: '0', role: 'region', 'aria-label': 'Drawing' }, canvas(parsed)),
    h(
      'ul',
      { class: 'legend', 'aria-label': 'Legend' },
      Object.keys(WAYS).map((state) => h('li', {}, way(state))),
      h('li', { class: 'hint' }, 'Thick: what was seen. Thin: what a dry run on a copy finds.'),
    ),
    nobody
      ? h(
          'div',
          { class: 'empty' },
          h('p', {}, 'Nobody has sent yet. Send a message from here, or type:'),
          listening[0] ? command(swaks(listening[0]), { label: 'swaks line' }) : null,
          button('Send a test message', () => send(), { kind: 'primary' }),
        )
      : null,
    h(
      'p',
      { class: 'hint' },
      h('a', { href: address('api/v1/picture.svg'), download: 'picture.svg' }, 'Download the drawing'),
    ),
  ];
}

/** Returns the server's drawing without the names, which stand above it, in the size that is left. */
function canvas(parsed) {
  const svg = document.importNode(parsed, true);
  // It has links, so it is no image that is one whole.
  svg.setAttribute('role', 'group');
  svg.querySelectorAll('text.name').forEach((it) => it.remove());
  requestAnimationFrame(() => {
    const { x, y, width, height } = svg.getBBox();
    svg.setAttribute('viewBox', [x - 4, y - 4, width + 8, height + 8].join(' '));
    svg.style.maxWidth = `${width + 8}px`;
    svg.style.minWidth = `${Math.min(width, 560)}px`;
  });
  return svg;
}

/** Returns the line to type that sends to a connector. */
export const swaks = ({ addrs }) => `swaks --server ${addrs[0]} --tls-optional --to somebody@example.com`;

function drawSenders(connectors) {
  return [
    h('h2', {}, 'What each kind of sender does here'),
    h(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Senders' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ['Connector', 'Sender', 'What it does'].map((it) => h('th', { scope: 'col' }, it)),
          ),
        ),
        h(
          'tbody',
          {},
          connectors
            .slice(0, MOST)
            .flatMap((it) =>
              it.senders.map((sender, index) =>
                h(
                  'tr',
                  {},
                  index === 0 ? h('th', { scope: 'rowgroup', rowspan: it.senders.length }, place(it)[1]) : null,
                  h('td', {}, sender.case),
                  h('td', {}, sender.words),
                ),
              ),
            ),
        ),
      ),
    ),
  ];
}
