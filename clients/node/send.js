// nodemailer's SMTP transport. NODE_EXTRA_CA_CERTS has the lab's root certificate.
'use strict';

const { createTransport } = require(`${process.env.UNPACKED}/node/node_modules/nodemailer`);

const policies = {
  'default': {},
  'opportunistic-tls': { opportunisticTLS: true },
  'require-tls': { requireTLS: true },
  'require-tls-unverified': { requireTLS: true, tls: { rejectUnauthorized: false } },
  'ignore-tls': { ignoreTLS: true },
};

const { HOST, PORT, LOGIN, PASSWORD, FROM, TO } = process.env;
const transport = createTransport({
  host: HOST,
  port: Number(PORT),
  secure: false,
  name: 'client.test',
  auth: { user: LOGIN, pass: PASSWORD },
  connectionTimeout: 5000,
  greetingTimeout: 5000,
  socketTimeout: 5000,
  ...policies[process.argv[2]],
});

transport.sendMail({ from: FROM, to: TO, subject: 'hello', text: 'Sent by nodemailer.' }).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
