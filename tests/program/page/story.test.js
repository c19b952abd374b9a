// The story that the lab begins with, by clicks alone: what is wrong is seen, tried, fixed, and proved by a
// client.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { launch, stage } from './support.js';

const run = promisify(execFile);
const NAME = 'Default internal receive connector MAILGATE';
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

test('the seed story, by clicks alone', async (t) => {
  const { lab, page } = await stage(t, browser, 'fqdn-mismatch');
  const swaks = () =>
    run('swaks', [
      '--server',
      lab.connectors[0].addr,
      '--tls',
      '--to',
      'somebody@example.com',
      '--header',
      'Subject: over TLS',
    ]);

  await page.getByText('STARTTLS is NOT offered (event 12014)').first().waitFor();
  const disagreeing = page.locator('.five.disagrees');
  await disagreeing.first().waitFor();
  assert.deepEqual(await disagreeing.locator('.value').allTextContents(), [
    'mail.expta.com',
    'mailgate, mailgate.expta.com',
  ]);
  await assert.rejects(swaks(), 'STARTTLS is not offered yet');

  await page.getByRole('link', { name: 'Event Viewer 1 new' }).click();
  await page.getByRole('row', { name: /12014/ }).click();
  await page
    .getByText('Microsoft Exchange could not find a certificate that contains the domain name mail.expta.com')
    .waitFor();
  await page.getByRole('tab', { name: 'Details' }).click();
  await page.getByText('<EventID').waitFor();
  await page.getByRole('button', { name: 'Try on a copy' }).first().click();
  await page.locator('.effect .change-better').first().waitFor();

  await page.getByRole('link', { name: `Properties of ${NAME}` }).click();
  await page.getByText('does not fit').waitFor();
  const fqdn = page.getByRole('textbox', { name: /Specify the FQDN/ });
  await fqdn.fill('mailgate.expta.com');
  await page.getByText(`Set-ReceiveConnector "MAILGATE\\${NAME}" -Fqdn mailgate.expta.com`).waitFor();
  await page.locator('.effect .change-better').first().waitFor();
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.locator('.candidate.used').waitFor();
  await page.locator('.verdict.good').waitFor();

  await swaks();
  await page.getByRole('link', { name: /^Messages/ }).click();
  const row = page.getByRole('row', { name: /over TLS/ });
  await row.getByText(/TLS 1\.[23]/).waitFor();
  await row.click();
  await page.getByRole('tab', { name: 'How it came' }).click();
  await page.getByText('encrypted').waitFor();
  assert.deepEqual(page.complaints, []);
});

test('a change that Exchange refuses is shown in its words, and changes nothing', async (t) => {
  const { lab, page } = await stage(t, browser, 'fqdn-guarded', '#connectors');
  const [connector] = await lab.api('GET', 'connectors');
  const { settings } = connector;
  await page.goto(`${lab.page}#connectors/${connector.computer}/${encodeURIComponent(connector.name)}`);
  await page.getByRole('textbox', { name: /Specify the FQDN/ }).fill('mail.contoso.com');
  await page
    .locator('.preview .refusal')
    .getByText(/ExchangeServer/)
    .waitFor();
  await page.getByRole('button', { name: 'Apply' }).click();
  await page
    .locator('.preview .refusal')
    .getByText(/ExchangeServer/)
    .waitFor();
  const [same] = await lab.api('GET', 'connectors');
  assert.deepEqual(same.settings, settings);
});

test('the questions of the Shell are dialogs, asked before anything has changed', async (t) => {
  const { lab, page } = await stage(t, browser, 'fqdn-mismatch', '#certificates');
  await page.getByRole('button', { name: 'New…' }).click();
  await page.getByRole('textbox', { name: 'Names' }).fill('mail.expta.com');
  await page.getByRole('button', { name: 'Make it' }).click();
  await page.getByText('Overwrite the existing default SMTP certificate?').waitFor();
  assert.equal((await lab.api('GET', 'certificates')).length, 1);
  await page.getByRole('button', { name: 'No', exact: true }).click();
  await page.getByRole('row', { name: /^mail\.expta\.com/ }).click();
  assert.equal((await lab.api('GET', 'certificates')).length, 2);
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download (PEM)' }).click();
  assert.match((await download).suggestedFilename(), /\.pem$/);
  await page.getByRole('button', { name: 'Remove' }).click();
  await page.getByText('Are you sure you want to perform this action?').waitFor();
  await page.getByRole('button', { name: 'Yes', exact: true }).click();
  await page.getByRole('row', { name: /^mail\.expta\.com/ }).waitFor({ state: 'detached' });
});

test('a fault is added, fires, and is counted', async (t) => {
  const { lab, page } = await stage(t, browser, 'healthy', '#faults/starttls-reply-454');
  await page.getByRole('button', { name: 'Add fault' }).click();
  await page.locator('.in-force').getByText('not yet').waitFor();
  await assert.rejects(
    run('swaks', ['--server', lab.connectors[0].addr, '--tls', '--to', 'somebody@example.com']),
  );
  await page.locator('.in-force').getByText('1×').waitFor();
});

test('a verification runs live, and what was not run is not tried', async (t) => {
  const { page } = await stage(t, browser, 'fqdn-mismatch', '#verify');
  await page.getByText('Not tried yet.').waitFor();
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.locator('.verify-verdict').waitFor({ timeout: 60_000 });
  await page.locator('.verify-verdict').getByText('As expected', { exact: true }).waitFor();
  assert.equal(await page.locator('.matrix td.unmet').count(), 0);
  // The first fix helps those who do not look at the name, and breaks the one who does.
  await page.locator('.matrix').getByText('worse than before').waitFor();
});

test('the Shell answers, and tells a refusal', async (t) => {
  const { page } = await stage(t, browser, 'fqdn-mismatch', '#shell');
  const prompt = page.getByRole('textbox', { name: 'Cmdlet' });
  await prompt.fill('Get-ReceiveConnector | Format-List Fqdn');
  await prompt.press('Enter');
  await page.getByRole('log').getByText('Fqdn : mail.expta.com').waitFor();
  await prompt.fill('Get-Nonsense');
  await prompt.press('Enter');
  await page.locator('.refused').getByText('Get-Nonsense').first().waitFor();
  await prompt.press('ArrowUp');
  assert.equal(await prompt.inputValue(), 'Get-Nonsense');
});
