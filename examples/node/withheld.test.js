'use strict';
// STARTTLS is withheld: node --test under `starttls-lab exec fqdn-mismatch --trust-env`.

const assert = require('node:assert');
const { test } = require('node:test');
const send = require('./send.js');

test('without further words nodemailer sends in clear', async () => {
    const info = await send({ servername: 'mailgate.expta.com' });
    assert.deepStrictEqual(info.accepted, ['you@expta.com']);
});

test('told to insist, it sends nothing', async () => {
    const sending = send({ servername: 'mailgate.expta.com', requireTLS: true });
    await assert.rejects(sending, { code: 'ETLS' });
});
