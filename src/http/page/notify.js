// Notifications of the browser for new mail: only where somebody has asked for them by a click, and only while no
// tab shows the page.

import { get, path } from './api.js';
import { decoded, plural } from './format.js';
import { button, notice } from './ui.js';

const KEY = 'starttls-lab-notify';
const isWanted = () =>
  typeof Notification !== 'undefined' &&
  Notification.permission === 'granted' &&
  localStorage.getItem(KEY) === 'yes';

/** Returns the button that turns notifications on and off; nothing where the browser has none. */
export function notifying() {
  if (typeof Notification === 'undefined') return null;
  const toggle = button('Notify me', change, {
    kind: 'quiet',
    pressed: String(isWanted()),
    title: 'A notification of the browser for new mail while this page is not in sight',
  });
  async function change() {
    if (isWanted()) localStorage.setItem(KEY, 'no');
    else if ((await Notification.requestPermission()) === 'granted') localStorage.setItem(KEY, 'yes');
    else notice('The browser does not allow notifications of this page');
    toggle.setAttribute('aria-pressed', String(isWanted()));
  }
  return toggle;
}

/** Tells of new mail. All tabs do, and the browser shows one notification in the place of another. */
export async function notify(count) {
  if (!count || !isWanted() || !document.hidden) return;
  const [newest] = await get(path('messages'), { order: 'newest', limit: 1 });
  if (!newest) return;
  const shown = new Notification(
    count > 1 ? plural(count, 'new message') : decoded(newest.subject) || '(no subject)',
    {
      body: `from ${newest.mail_from || '<>'}, ${newest.security === 'tls' ? 'over TLS' : 'in clear'}`,
      tag: 'starttls-lab-mail',
    },
  );
  shown.onclick = () => {
    focus();
    location.hash = `#messages/${newest.id}`;
    shown.close();
  };
}
