// A Send connector is edited as a receive connector is: the cmdlet, what would become of each sender, Apply, and
// the refusals of Exchange.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { hold, launch, stage } from './support.js';

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser.close());

test('a pin that names nothing is taken away, and mail flows again', async (t) => {
  const { lab, page } = await stage(t, browser, 'pin-stale-outbound', '#connectors');
  await page.getByRole('row', { name: /To Fabrikam/ }).click();
  await page
    .locator('.verdict.bad')
    .getByText(/event 12014/)
    .first()
    .waitFor();
  await page.getByRole('tab', { name: 'TLS' }).click();
  const pin = page.getByRole('textbox', { name: 'TlsCertificateName' });
  assert.match(await pin.inputValue(), /^<I>.*<S>/);
  await pin.fill('');
  await page.getByText('Set-SendConnector "To Fabrikam" -TlsCertificateName $null').waitFor();
  await page.locator('.effect .change-better').first().waitFor();
  assert.equal(
    (await lab.api('GET', 'send-connectors')).filter((it) => it.settings.tls_certificate_name).length,
    1,
  );
  await page.getByRole('button', { name: 'Apply', exact: true }).first().click();
  await page.locator('.verdict.good').waitFor();
  assert.equal(
    (await lab.api('GET', 'send-connectors')).filter((it) => it.settings.tls_certificate_name).length,
    0,
  );
  assert.deepEqual(page.complaints, []);
});

test('what Exchange refuses is shown in its words, and changes nothing', async (t) => {
  const { lab, page } = await stage(
    t,
    browser,
    'pin-stale-outbound',
    '#connectors/EX01/To%20Northwind?kind=send&tab=tls',
  );
  const before = await lab.api('GET', 'send-connectors');
  await page.getByRole('textbox', { name: 'TlsDomain' }).fill('mail.northwind.example');
  const refusal = page.locator('.preview .refusal');
  await refusal
    .getByText('The TLSDomain parameter can only be set if the TLSAuthLevel parameter is set to DomainValidation.')
    .waitFor();
  await page.getByRole('button', { name: 'Apply', exact: true }).first().click();
  await refusal.waitFor();
  assert.deepEqual(await lab.api('GET', 'send-connectors'), before);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await refusal.waitFor({ state: 'detached' });
});

test('what is on its way to the lab cannot be cancelled, and no answer comes back after Cancel', async (t) => {
  const { page } = await stage(
    t,
    browser,
    'pin-stale-outbound',
    '#connectors/EX01/To%20Northwind?kind=send&tab=tls',
  );
  const domain = page.getByRole('textbox', { name: 'TlsDomain' });
  const cancel = page.getByRole('button', { name: 'Cancel' });
  await domain.fill('mail.northwind.example');
  const refusal = page.locator('.preview .refusal');
  await refusal.waitFor();
  const held = await hold(page, '**/cmdlet');
  await page.getByRole('button', { name: 'Apply', exact: true }).first().click();
  await held.asked;
  assert.ok(await cancel.isDisabled());
  assert.ok(await domain.evaluate((it) => it.closest('[inert]') !== null), 'the fields can be changed');
  await held.release();
  await cancel.click();
  await refusal.waitFor({ state: 'detached' });
  assert.equal(await domain.inputValue(), '');
});

test('an answer about what was typed before does not allow to apply what is typed now', async (t) => {
  const { page } = await stage(
    t,
    browser,
    'pin-stale-outbound',
    '#connectors/EX01/To%20Northwind?kind=send&tab=tls',
  );
  const held = await hold(page, '**/cmdlet');
  const domain = page.getByRole('textbox', { name: 'TlsDomain' });
  await domain.fill('mail.northwind.example');
  await held.asked;
  const next = await hold(page, '**/cmdlet');
  await domain.fill('other.northwind.example');
  await held.release();
  assert.equal(await page.locator('.preview .command').count(), 0);
  await next.release();
  await page.locator('.preview .command').getByText('other.northwind.example').waitFor();
});

test('a connector of an Edge is set inside the organization, and taken to the Edge', async (t) => {
  const { lab, page } = await stage(t, browser, 'edgesync-fqdn-mismatch', '#connectors');
  await page.getByRole('row', { name: /EdgeSync - .* to Internet/ }).click();
  await page.getByRole('textbox', { name: /Specify the FQDN/ }).fill('mail.changed.example');
  await page.getByText('Start-EdgeSynchronization').first().waitFor();
  await page.getByRole('button', { name: 'Apply', exact: true }).first().click();
  await page.getByText('Applied').first().waitFor();
  const sending = await lab.api('GET', 'send-connectors');
  assert.ok(
    sending.some((it) => it.fqdn === 'mail.changed.example'),
    JSON.stringify(sending.map((it) => [it.computer, it.name, it.fqdn])),
  );
});
