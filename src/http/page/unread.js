// What is new, for the marks in the list of views and the counter in the title: events since the log was last looked
// at, which the tabs of a browser share, and messages that nobody has opened, which the lab knows.

import { ask, get, inOrder, path } from './api.js';

const fresh = { events: 0, messages: 0 };
let instance = null;

const seen = () => `starttls-lab-seen:${instance}:events`;

/** Returns how many are new, by list. */
export const counts = () => ({ ...fresh });

const messages = inOrder(
  () => ask('GET', path('messages'), { query: { read: false, limit: 0 } }),
  (response) => {
    fresh.messages = Number(response.headers.get('x-total-count'));
  },
);

/** Asks for the newest event where the log is looked at, else for those that came after it. */
const events = inOrder(
  (isShown) =>
    get(
      path('events'),
      isShown ? { order: 'newest', limit: 1 } : { after: Number(localStorage.getItem(seen()) ?? 0), limit: 100 },
    ),
  (found, isShown) => {
    if (isShown) localStorage.setItem(seen(), String(found[0]?.seq ?? 0));
    fresh.events = isShown ? 0 : found.length;
  },
);

/** Counts again after records of these kinds; what the view that is shown lists is seen. */
export async function heard(kinds, lab, view) {
  if (!lab) return;
  const anew = kinds.gap || kinds.changed || instance !== lab.instance || Object.keys(kinds).length === 0;
  instance = lab.instance;
  const isShown = view === 'events' && !document.hidden;
  await Promise.all([
    anew || kinds.message || kinds.marks ? messages() : null,
    anew || kinds.event || (isShown && fresh.events > 0) ? events(isShown) : null,
  ]);
}
