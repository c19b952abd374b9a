'use strict';
// What does nodemailer do with STARTTLS? `npm test` runs this under `starttls-lab exec fqdn-mismatch`: the lab
// withholds STARTTLS, is mended, and offers it.

const assert = require('node:assert');
const { test } = require('node:test');
const { ask, run, waitFor } = require('./lab.js');
const send = require('./send.js');

test('from mail in clear to mail over TLS', async (t) => {
    await t.test('nobody offers TLS, and without further words nodemailer sends in clear', async () => {
        await send({ servername: 'mailgate.expta.com' });
        const message = await waitFor('message', { to: 'you@expta.com', security: 'clear' });
        assert.strictEqual(message.tls, null);
    });

    await t.test('told to insist, it sends nothing', async () => {
        const sending = send({ servername: 'mailgate.expta.com', requireTLS: true });
        await assert.rejects(sending, { code: 'ETLS' });
        const messages = await ask('messages');
        assert.strictEqual(messages.length, 1);
    });

    await t.test('the connector gets the name in the certificate, and mail goes over TLS', async () => {
        await run('Get-ReceiveConnector | Set-ReceiveConnector -Fqdn mailgate.expta.com');
        await send({ servername: 'mailgate.expta.com' });
        const message = await waitFor('message', { to: 'you@expta.com', security: 'tls' });
        assert.strictEqual(message.tls.version, 'TLSv1.3');
    });

    await t.test('who asks for the name that was dialled is refused by nodemailer itself now', async () => {
        await assert.rejects(send({ servername: 'mail.expta.com' }), /mail\.expta\.com/);
    });
});
