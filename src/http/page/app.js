// The page's frame: the views and their addresses, what is new in each, and the stream that keeps them true.

import { get, onSignedOut, path } from './api.js';
import { h, icon, replace } from './dom.js';
import { time } from './format.js';
import { lab } from './lab.js';
import { listen } from './live.js';
import { link, parse } from './router.js';
import { notify } from './notify.js';
import { send } from './send.js';
import { signIn } from './sign-in.js';
import { failure, once } from './ui.js';
import * as unread from './unread.js';
import { certificates } from './certificates.js';
import { connectors } from './connectors.js';
import { events } from './events.js';
import { faults } from './faults.js';
import { messages } from './messages.js';
import { picture } from './picture.js';
import { sessions } from './sessions.js';
import { shell } from './shell.js';
import { verify } from './verify.js';

/** Each view: its name in the address, what it is called, and what makes it. */
const VIEWS = [
  ['picture', 'Picture', picture],
  ['connectors', 'Connectors', connectors],
  ['certificates', 'Certificates', certificates],
  ['events', 'Event Viewer', events],
  ['sessions', 'Sessions', sessions],
  ['messages', 'Messages', messages],
  ['shell', 'Shell', shell],
  ['faults', 'Faults', faults],
  ['verify', 'Verify', verify],
];

const PHASES = {
  connecting: ['wait', 'connecting'],
  live: ['good', 'live'],
  polling: ['good', 'live (polling)'],
  reconnecting: ['wait', 'reconnecting'],
  'signed-out': ['bad', 'signed out'],
};

/** What a reader of the lab has to know: which lab it is, what time it is there. */
const state = { lab: null, followed: false, view: null, name: null, route: null, signingIn: false, signedIn: 0 };
const main = document.getElementById('main');

/** Draws the list of views, once: what changes in it is marked in place, so that the focus stays. */
function drawViews() {
  replace(
    document.getElementById('views'),
    h(
      'ul',
      {},
      VIEWS.map(([name, label]) =>
        h('li', {}, h('a', { href: link(name), 'data-view': name }, icon(name), h('span', {}, label))),
      ),
    ),
  );
}

/** Marks the view that is shown. */
function markView() {
  const views = document.getElementById('views');
  for (const anchor of views.querySelectorAll('a')) {
    if (anchor.dataset.view !== state.name) anchor.removeAttribute('aria-current');
    else {
      anchor.setAttribute('aria-current', 'page');
      // `scrollIntoView` would move the whole page aside, too.
      views.scrollLeft = anchor.offsetLeft - (views.clientWidth - anchor.offsetWidth) / 2;
    }
  }
  drawTitle(unread.counts());
}

function drawTitle(fresh) {
  const sum = Object.values(fresh).reduce((one, other) => one + other, 0);
  const label = VIEWS.find(([name]) => name === state.name)?.[1] ?? '';
  document.title = `${sum > 0 ? `(${sum > 99 ? '99+' : sum}) ` : ''}${label} · starttls-lab`;
}

/** Counts what is new, and marks it in the list of views. */
async function drawUnread(kinds) {
  await unread.heard(kinds, state.lab, state.name);
  const fresh = unread.counts();
  drawTitle(fresh);
  for (const anchor of document.querySelectorAll('#views a')) {
    const number = fresh[anchor.dataset.view];
    anchor.querySelector('.badge')?.remove();
    if (number)
      anchor.append(
        h('span', { class: 'badge' }, number > 99 ? '99+' : number, h('span', { class: 'sr' }, ' new')),
      );
  }
}

async function show() {
  if (state.signingIn) return;
  const route = parse(location.hash);
  const found = VIEWS.find(([name]) => name === route.view) ?? VIEWS[0];
  const [name, label, make] = found;
  if (state.name !== name) {
    state.view?.destroy?.();
    state.name = name;
    state.view = make({ lab: () => state.lab });
    replace(main, h('h1', { class: 'sr' }, label), state.view.element);
    main.dataset.view = name;
    markView();
    drawUnread({}).catch(() => {});
  }
  state.route = route;
  delete main.dataset.shown;
  const isShown = () => route === state.route;
  await guarded(() => state.view.update(route), isShown);
  // Whoever drives a browser sees by it that what the address says is there.
  if (isShown() && !state.signingIn) main.dataset.shown = location.hash;
}

/** Shows a failure in the view's place, but not the ones that the frame tells of by itself, and none of something that
 * is no longer shown. */
async function guarded(work, isShown) {
  try {
    await work();
    if (isShown()) main.querySelector('.view-failure')?.remove();
  } catch (error) {
    if (error.name === 'AbortError' || error.status === 401 || error.status === 0) return;
    if (isShown() && !state.signingIn) {
      main.querySelector('.view-failure')?.remove();
      main.prepend(h('div', { class: 'view-failure' }, failure(error)));
    }
    if (!error.status) throw error;
  }
}

function drawPhase(phase) {
  const [tone, words] = PHASES[phase];
  const place = document.getElementById('live');
  place.className = `live ${tone}`;
  place.textContent = words;
}

function drawLab(lab) {
  // It is another one, or something came before the stream began that no view may have asked for again.
  const missed =
    state.lab !== null && (state.lab.instance !== lab.instance || (!state.followed && lab.seq > state.lab.seq));
  state.lab = lab;
  document.getElementById('lab-title').textContent = lab.title;
  document.getElementById('clock').textContent = `${time(lab.now).slice(0, 16)} UTC`;
  if (missed) hear({ type: 'changes', kinds: { gap: 1 }, sessions: null, seq: lab.seq });
}

let busy = false;
let waiting = null;

/** Passes on what has changed, one change at a time: what comes meanwhile is passed on together. */
async function changed(change) {
  if (busy) {
    const sessions =
      waiting?.sessions === null || change.sessions === null
        ? null
        : [...(waiting?.sessions ?? []), ...change.sessions];
    const kinds = { ...change.kinds };
    for (const [kind, number] of Object.entries(waiting?.kinds ?? {})) kinds[kind] = (kinds[kind] ?? 0) + number;
    waiting = { ...change, kinds, sessions };
    return;
  }
  busy = true;
  await drawUnread(change.kinds).catch(() => {});
  notify(change.kinds.message).catch(() => {});
  const { view } = state;
  await guarded(
    async () => view?.changed?.(change),
    () => view === state.view,
  ).catch(() => {});
  busy = false;
  if (waiting) {
    const next = waiting;
    waiting = null;
    changed(next);
  }
}

function hear(message) {
  if (message.type === 'phase') {
    drawPhase(message.phase);
    // The stream may tell late: whether a token is asked for, the answer says.
    if (message.phase === 'signed-out') get(path('lab')).catch(() => {});
  } else if (message.type === 'lab') {
    drawLab(message.lab);
    state.followed = true;
  } else changed(message);
}

/** Asks for the token, unless it was given since the request that was refused. */
async function askForToken(asked) {
  if (state.signingIn || asked < state.signedIn) return;
  state.signingIn = true;
  await signIn();
  state.signingIn = false;
  state.signedIn = performance.now();
  retry();
  state.name = null;
  await show();
}

const THEMES = {
  '': ['Auto', 'as the system has them', 'light'],
  light: ['Light', 'as by day', 'dark'],
  dark: ['Dark', 'as by night', ''],
};

function drawTheme() {
  const theme = localStorage.getItem('starttls-lab-theme') ?? '';
  const [words, about] = THEMES[theme] ?? THEMES[''];
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  const toggle = document.getElementById('theme');
  replace(toggle, h('span', { class: 'wide' }, 'Colors: '), words.toLowerCase());
  toggle.setAttribute('aria-label', `Colors: ${words.toLowerCase()}, ${about}`);
}

document.getElementById('theme').addEventListener('click', () => {
  const theme = localStorage.getItem('starttls-lab-theme') ?? '';
  localStorage.setItem('starttls-lab-theme', THEMES[theme]?.[2] ?? '');
  drawTheme();
});
document.getElementById('send').addEventListener(
  'click',
  once(() => send()),
);
document.getElementById('lab-menu').addEventListener(
  'click',
  once(() => lab(() => state.lab)),
);
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener('storage', ({ key }) => {
  if (key === 'starttls-lab-theme') drawTheme();
  else drawUnread({}).catch(() => {});
});
addEventListener('hashchange', show);

drawTheme();
drawViews();
onSignedOut(askForToken);
// Without an event, which would load the view a first time before the lab is known.
if (!location.hash) history.replaceState(null, '', link('picture'));
const retry = listen(hear);
get(path('lab'))
  .then(
    (it) => state.lab ?? drawLab(it),
    () => {},
  )
  .finally(show);
