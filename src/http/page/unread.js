// What is new since it was last looked at, for the marks in the list of views and the counter in the title.
// The tabs of a browser share it.

import { get, path } from './api.js';

/** The lists that have a mark, and the records of the journal that add to them. */
const LISTS = { events: 'event', messages: 'message' };
const fresh = {};
let instance = null;

const name = (list) => `starttls-lab-seen:${instance}:${list}`;

/** Returns how many are new, by list. */
export const counts = () => ({ ...fresh });

/** Counts again after records of these kinds; what the view that is shown lists is seen. */
export async function heard(kinds, lab, view) {
  if (!lab) return;
  const other = instance !== lab.instance;
  instance = lab.instance;
  for (const [list, kind] of Object.entries(LISTS)) {
    const touched = kinds[kind] || kinds.gap || kinds.changed || other || Object.keys(kinds).length === 0;
    if (list === view && !document.hidden) {
      if (touched) {
        const [newest] = await get(path(list), { order: 'newest', limit: 1 });
        localStorage.setItem(name(list), String(newest?.seq ?? 0));
      }
      fresh[list] = 0;
    } else if (touched) {
      const seen = Number(localStorage.getItem(name(list)) ?? 0);
      fresh[list] = (await get(path(list), { after: seen, limit: 100 })).length;
    }
  }
}
