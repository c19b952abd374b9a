'use strict';
// STARTTLS is offered: node --test under `starttls-lab exec healthy --trust-env`.

const assert = require('node:assert');
const { test } = require('node:test');
const send = require('./send.js');

test('the name in the certificate is the name that was asked for: it goes over TLS', async () => {
    const info = await send({ servername: 'mailgate.expta.com', requireTLS: true });
    assert.deepStrictEqual(info.accepted, ['you@expta.com']);
});

test('of another name, nodemailer does not send, though nobody told it to insist', async () => {
    await assert.rejects(send({ servername: 'mail.expta.com' }), /mail\.expta\.com/);
});
