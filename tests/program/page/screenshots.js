// Makes the pictures of the page: `make screenshots` writes the few that README and docs show into docs/images,
// and every view in light, dark and narrow into target/screenshots, to be looked at.

import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { launch, open, serve } from './support.js';

const ROOT = new URL('../../../', import.meta.url).pathname;
const EVERY = `${ROOT}target/screenshots`;
const SHOWN = `${ROOT}docs/images`;
const run = promisify(execFile);
/** Steps that end what was started, as a test would have them. */
const ending = [];
const t = { after: (step) => ending.push(step) };

const lab = await serve(t, 'fqdn-mismatch');
const swaks = (...more) =>
  run('swaks', [
    '--server',
    lab.connectors[0].addr,
    '--to',
    'user@expta.com',
    '--from',
    'partner@contoso.com',
    '--ehlo',
    'out.contoso.com',
    ...more,
  ]);
await swaks('--tls').catch(() => {});
await swaks('--tls-optional', '--header', 'Subject: Quarterly figures');
const [session] = await lab.api('GET', 'sessions');

const views = {
  picture: 'picture',
  connectors: 'connectors',
  certificates: 'certificates',
  events: 'events/1',
  sessions: `sessions/${session.session}`,
  messages: 'messages/1',
  shell: 'shell',
  faults: 'faults/starttls-reply-454',
  verify: 'verify',
};
const browser = await launch();
mkdirSync(EVERY, { recursive: true });
mkdirSync(SHOWN, { recursive: true });

for (const [name, colorScheme, width, height] of [
  ['light', 'light', 1280, 800],
  ['dark', 'dark', 1280, 800],
  ['narrow', 'light', 360, 740],
]) {
  const context = await browser.newContext({ colorScheme, viewport: { width, height }, reducedMotion: 'reduce' });
  const page = await open(context, lab.page);
  for (const [view, address] of Object.entries(views)) {
    await page.goto(`${lab.page}#${address}`);
    await page.locator(`main[data-shown="#${address}"]`).waitFor();
    await page.screenshot({ path: `${EVERY}/${view}-${name}.png` });
  }
  await context.close();
}

// What README and docs show: what is wrong, and a change that is tried before it is applied.
const context = await browser.newContext({
  colorScheme: 'light',
  viewport: { width: 1160, height: 720 },
  reducedMotion: 'reduce',
});
const page = await open(context, `${lab.page}#picture`);
await page.locator('main[data-shown="#picture"]').waitFor();
await page.screenshot({ path: `${SHOWN}/page-picture.png` });
// All of the dialog, which scrolls in its pane, is in sight.
await page.setViewportSize({ width: 1160, height: 1500 });
await page.goto(`${lab.page}#connectors`);
await page.getByRole('textbox', { name: /Specify the FQDN/ }).fill('mailgate.expta.com');
await page.locator('.effect').waitFor();
await page.locator('.properties').screenshot({ path: `${SHOWN}/page-connector.png` });

await browser.close();
for (const step of ending) await step();
