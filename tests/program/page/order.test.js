// Answers of the control API that come late, overtake each other, or come when something else is shown: each of them
// is held back here, and let go when it is old.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { after, before, test } from 'node:test';
import { hold, launch, mail, open, serve, stage } from './support.js';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

const content = (subject) => `Subject: ${subject}\n\nSomething.`;
const go = (page, hash) =>
  page.evaluate((to) => {
    location.hash = to;
  }, hash);
const isIn = (page, hash) => page.waitForFunction((it) => location.hash === it, hash);
const view = (page, name) => page.locator('#views').getByRole('link', { name }).click();
/** Clicks a button whether or not it can be clicked. */
const click = (button) => button.evaluate((it) => it.click());

test('the details are those of what is selected, whichever answer comes last', async (t) => {
  const { lab, page } = await stage(t, browser, 'healthy', '#certificates');
  await lab.api('POST', 'certificates', {
    computer: lab.connectors[0].computer,
    names: ['second.example'],
    services: ['SMTP'],
  });
  const all = await lab.api('GET', 'certificates');
  const second = all.find((it) => it.names.includes('second.example'));
  const first = all.find((it) => it !== second);
  await page.getByRole('row', { name: /second\.example/ }).waitFor();
  const held = await hold(page, `**/certificates/${first.thumbprint}`);
  await go(page, `#certificates/${first.thumbprint}`);
  await held.asked;
  await go(page, `#certificates/${second.thumbprint}`);
  const shown = page.getByRole('heading', { name: /second\.example/ });
  await shown.waitFor();
  await held.release();
  assert.ok(await shown.isVisible());
});

test('an older answer about a session does not take its end away', async (t) => {
  const { lab, page } = await stage(t, browser, 'healthy', '#shell');
  const { port } = new URL(`smtp://${lab.connectors[0].addr}`);
  const socket = createConnection({ host: '127.0.0.1', port });
  await once(socket, 'data');
  const [{ session }] = await lab.api('GET', 'sessions');
  const held = await hold(page, `**/sessions/${session}`);
  await go(page, `#sessions/${session}`);
  await held.asked;
  socket.end('QUIT\r\n');
  await page.locator('.transcript').getByText('QUIT').waitFor();
  await held.release();
  assert.equal(await page.locator('.transcript').getByText('QUIT').count(), 1);
});

test('an older count of what is unread does not replace a newer one', async (t) => {
  const { lab, page } = await stage(t, browser, 'healthy', '#shell');
  const counted = (number) => page.waitForFunction((it) => document.title.startsWith(`(${it}) `), number);
  await mail(lab.connectors[0].addr, [content('one'), content('two')]);
  await counted(2);
  const held = await hold(page, /messages\?read=false/);
  await view(page, /^Faults/);
  await held.asked;
  await mail(lab.connectors[0].addr, content('three'));
  await counted(3);
  await held.release();
  assert.match(await page.title(), /^\(3\) /);
});

test('what the address says is told to be there when it is', async (t) => {
  const { lab, page } = await stage(t, browser, 'healthy', '#shell');
  await mail(lab.connectors[0].addr, content('one'));
  const held = await hold(page, /messages\?.*limit=200/);
  await go(page, '#messages');
  await held.asked;
  await go(page, '#messages/1');
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
  const shown = () => page.evaluate(() => document.getElementById('main').dataset.shown);
  assert.equal(await shown(), undefined);
  await held.release();
  await page.locator('main[data-shown="#messages/1"]').waitFor();
  assert.equal(await page.getByRole('row', { name: /one/ }).count(), 1);
});

test('a failure of a view that was left is not shown in another one', async (t) => {
  const { page } = await stage(t, browser, 'healthy', '#shell');
  const held = await hold(page, '**/api/v1/check', { answer: { status: 500, json: { detail: 'broken' } } });
  await go(page, '#picture');
  await held.asked;
  await go(page, '#shell');
  await page.locator('main[data-shown="#shell"]').waitFor();
  await held.release();
  assert.equal(await page.locator('.view-failure').count(), 0);
});

test('a view that was left takes nobody back to it', async (t) => {
  const lab = await serve(t, 'healthy');
  await mail(lab.connectors[0].addr, [content('apple'), content('pear')]);
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.clock.install();
  await page.goto(`${lab.page}#messages`);
  // What has been typed is searched for although something else is clicked before it was.
  await page.getByRole('row', { name: /apple/ }).waitFor();
  await page.clock.pauseAt(Date.now() + 60_000);
  await page.getByRole('searchbox').fill('pear');
  await page.getByRole('row', { name: /pear/ }).click();
  await isIn(page, '#messages/2?q=pear');
  await page.getByRole('searchbox').fill('apple');
  await view(page, /^Shell/);
  await page.clock.runFor(1000);
  await page.clock.resume();
  await isIn(page, '#shell');
  await go(page, '#messages/2');
  await page.getByRole('heading', { name: 'pear' }).waitFor();
  const held = await hold(page, /messages\?/, { method: 'DELETE' });
  await page.locator('.detail').getByRole('button', { name: 'Delete' }).click();
  await held.asked;
  await view(page, /^Shell/);
  const reloaded = page.waitForResponse(/messages\?.*limit=200/);
  await held.release();
  await (await reloaded).finished();
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
  assert.match(page.url(), /#shell$/);
});

test('the focus stays in a list whose rows are gone, before the last answer has come', async (t) => {
  const { lab, page } = await stage(t, browser, 'healthy', '#shell');
  await mail(lab.connectors[0].addr, ['one', 'two', 'three'].map(content));
  await go(page, '#messages');
  await page.getByRole('row', { name: /three/ }).click();
  await page.getByRole('heading', { name: 'three' }).waitFor();
  const held = await hold(page, /messages\?.*limit=200/);
  await page.keyboard.press('Delete');
  await held.asked;
  await page.getByText('2 in all').waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'row');
  await held.release();
  await page.getByRole('heading', { name: 'two' }).waitFor();
});

test('only what a cmdlet came back with is called a refusal of Exchange', async (t) => {
  const { page } = await stage(
    t,
    browser,
    'pin-stale-outbound',
    '#connectors/EX01/To%20Northwind?kind=send&tab=tls',
  );
  const title = page.locator('.preview .refusal-title');
  const apply = page.getByRole('button', { name: 'Apply', exact: true }).first();
  await page.route('**/api/v1/try', (route) => route.abort(), { times: 1 });
  await page.getByRole('textbox', { name: 'TlsDomain' }).fill('mail.northwind.example');
  await title.waitFor();
  assert.equal(await title.textContent(), 'That did not work');
  await apply.click();
  await title.getByText('Exchange refuses this').waitFor();
  // What was not carried out can be asked for again.
  await page.route('**/api/v1/cmdlets', (route) => route.abort(), { times: 1 });
  await apply.click();
  await title.getByText('That did not work').waitFor();
  await apply.click();
  await title.getByText('Exchange refuses this').waitFor();
});

test('a second click does nothing while the first is at work', async (t) => {
  const { lab, page } = await stage(t, browser, 'healthy', '#faults/starttls-reply-454');
  const add = page.getByRole('button', { name: 'Add fault' });
  const held = await hold(page, '**/computers/*/faults', { method: 'PUT' });
  await add.click();
  await held.asked;
  await click(add);
  await held.release();
  await page.getByText('In force. To see it fire:').waitFor();
  assert.equal((await lab.api('GET', 'faults')).length, 1);
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Add fault');
  const senders = await hold(page, '**/api/v1/senders');
  const send = page.locator('#send');
  await send.click();
  await senders.asked;
  await click(send);
  await senders.release();
  await page.getByRole('dialog').waitFor();
  assert.equal(await page.getByRole('dialog').count(), 1);
});

test('a fault rule is removed from the rules as they are, not as they are shown', async (t) => {
  const { lab, page } = await stage(t, browser, 'healthy', '#faults/starttls-reply-454');
  await page.getByRole('button', { name: 'Add fault' }).click();
  const rules = page.locator('.in-force tbody tr');
  await rules.first().waitFor();
  const [{ computer, fault }] = await lab.api('GET', 'faults');
  const held = await hold(page, '**/api/v1/faults', { answer: { status: 503, json: { detail: 'too much' } } });
  await lab.api('PUT', `computers/${computer}/faults`, { fault: [{ ...fault, times: 7 }, fault] });
  await held.asked;
  // The answer that is held may be about the rule before, so that both are shown already.
  await rules.filter({ hasNotText: '7 times' }).getByRole('button', { name: 'Remove' }).click();
  await page.getByText('7 times').waitFor();
  await rules.filter({ hasNotText: '7 times' }).waitFor({ state: 'detached' });
  assert.deepEqual(
    (await lab.api('GET', 'faults')).map((it) => it.fault.times),
    [7],
  );
  await held.release();
});

test('what runs in the Shell or is verified is shown in a view that was opened again meanwhile', async (t) => {
  const { page } = await stage(t, browser, 'fqdn-mismatch', '#shell');
  const prompt = page.getByRole('textbox', { name: 'Cmdlet' });
  const held = await hold(page, '**/api/v1/cmdlets');
  await prompt.fill('Get-ReceiveConnector | Format-List Fqdn');
  await prompt.press('Enter');
  await held.asked;
  const verified = await hold(page, '**/verify/run');
  await go(page, '#verify');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await go(page, '#shell');
  await page.getByText('Format-List Fqdn').waitFor();
  await held.release();
  await page.getByRole('log').getByText('Fqdn : mail.expta.com').waitFor();
  await verified.asked;
  await go(page, '#verify');
  await page.getByRole('button', { name: 'Stop' }).waitFor();
  await verified.release();
  await page.locator('.verify-verdict').waitFor();
  await page.getByRole('button', { name: 'Run', exact: true, disabled: false }).waitFor();
});

test('a token that was given is not asked for again by a request that had none', async (t) => {
  const lab = await serve(t, 'healthy', '127.0.0.1:0', '--control-token', 'open-sesame');
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const signIn = async () => {
    await page.getByLabel('Token').fill('open-sesame');
    await page.getByRole('button', { name: 'Sign in' }).click();
  };
  await page.goto(`${lab.page}#shell`);
  await signIn();
  await page.locator('main[data-shown="#shell"]').waitFor();
  await context.clearCookies();
  const held = await hold(page, /api\/v1\/picture/);
  await go(page, '#picture');
  await held.asked;
  await signIn();
  await page.locator('main[data-shown="#picture"]').waitFor();
  await held.release();
  assert.equal(await page.getByLabel('Token').count(), 0);
});

test('what came before the stream began is shown', async (t) => {
  const lab = await serve(t, 'healthy');
  const context = await browser.newContext();
  t.after(() => context.close());
  await context.addInitScript(() => {
    delete globalThis.SharedWorker;
  });
  const page = await context.newPage();
  const held = await hold(page, '**/api/v1/lab', { unasked: true });
  await page.goto(`${lab.page}#messages`);
  await held.asked;
  await page.getByText('No mail yet.').waitFor();
  await mail(lab.connectors[0].addr, content('early'));
  await held.release();
  await page.getByRole('row', { name: /early/ }).waitFor();
  await open(context, `${lab.page}#shell`);
});
