'use strict';
// What does nodemailer do with STARTTLS? The lab withholds it (event 12014), is fixed, and offers it.

const assert = require('node:assert');
const { test } = require('node:test');
const nodemailer = require('nodemailer');
const { assertNothingInClear, labFor } = require('starttls-lab/node-test');

/** The program under test; `servername` is the name that the certificate has to carry. */
function send({ host, port, ca }, servername, options = {}) {
    const transport = nodemailer.createTransport({ host, port, name: 'client.example', tls: { ca, servername }, ...options });
    return transport.sendMail({ from: 'me@client.example', to: 'you@expta.com', subject: 'hello', text: 'from Node' });
}

test('without further words nodemailer sends in clear, and over TLS once the connector is fixed', async (t) => {
    const lab = await labFor(t, { scenario: 'fqdn-mismatch' });
    lab.expectEvent(12014);
    await send(lab, 'mailgate.expta.com');
    const inClear = await lab.waitForMessage({ to: 'you@expta.com', security: 'clear' });
    assert.strictEqual(inClear.tls, null);

    await lab.run('Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com');

    await send(lab, 'mailgate.expta.com');
    const encrypted = await lab.waitForMessage({ to: 'you@expta.com', security: 'tls' });
    assert.strictEqual(encrypted.tls.version, 'TLSv1.3');
    // A client that verifies the name it dialed sends nothing after that fix.
    await assert.rejects(send(lab, 'mail.expta.com'), /mail\.expta\.com/);
});

test('told to insist, it sends nothing', async (t) => {
    const lab = await labFor(t, { scenario: 'fqdn-mismatch' });
    await assert.rejects(send(lab, 'mailgate.expta.com', { requireTLS: true }), { code: 'ETLS' });
    await assertNothingInClear(lab);
});
