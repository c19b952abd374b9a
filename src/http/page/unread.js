// What is new, for the marks in the list of views and the counter in the title: events since the log was last looked
// at, which the tabs of a browser share, and messages that nobody has opened, which the lab knows.

import { ask, get, path } from './api.js';

const fresh = { events: 0, messages: 0 };
let instance = null;

const seen = () => `starttls-lab-seen:${instance}:events`;

/** Returns how many are new, by list. */
export const counts = () => ({ ...fresh });

/** Counts again after records of these kinds; what the view that is shown lists is seen. */
export async function heard(kinds, lab, view) {
  if (!lab) return;
  const anew = kinds.gap || kinds.changed || instance !== lab.instance || Object.keys(kinds).length === 0;
  instance = lab.instance;
  if (anew || kinds.message || kinds.marks) {
    const response = await ask('GET', path('messages'), { query: { read: false, limit: 0 } });
    fresh.messages = Number(response.headers.get('x-total-count'));
  }
  if (view === 'events' && !document.hidden) {
    if (anew || kinds.event) {
      const [newest] = await get(path('events'), { order: 'newest', limit: 1 });
      localStorage.setItem(seen(), String(newest?.seq ?? 0));
    }
    fresh.events = 0;
  } else if (anew || kinds.event) {
    const after = Number(localStorage.getItem(seen()) ?? 0);
    fresh.events = (await get(path('events'), { after, limit: 100 })).length;
  }
}
