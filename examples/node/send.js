'use strict';
// The program under test: sends one message. It finds the server, and whom to trust, in the environment.

const nodemailer = require('nodemailer');

/**
 * Sends a message to the lab.
 *
 * `servername` is the name the certificate has to carry; the lab itself is at an address.
 */
module.exports = function send({ servername, requireTLS = false }) {
    const transport = nodemailer.createTransport({
        host: process.env.SMTP_HOST,
        port: Number(process.env.SMTP_PORT),
        name: 'client.example',
        requireTLS,
        tls: { servername },
    });
    return transport.sendMail({
        from: 'me@client.example',
        to: 'you@expta.com',
        subject: 'hello',
        text: 'from Node',
    });
};
