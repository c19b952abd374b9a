// A sink on nodemailer's smtp-server that keeps its newest 10,000 messages: smtp-server.js PORT CERTIFICATE KEY
const fs = require("node:fs");
const { SMTPServer } = require("smtp-server");

const [port, certificate, key] = process.argv.slice(2);
const kept = [];

const server = new SMTPServer({
  name: "load.example.com",
  authOptional: true,
  disableReverseLookup: true,
  size: 200 << 20,
  cert: fs.readFileSync(certificate),
  key: fs.readFileSync(key),
  onData(stream, session, done) {
    const chunks = [];
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.on("end", () => {
      kept.push(Buffer.concat(chunks));
      if (kept.length > 10000) kept.shift();
      done();
    });
  },
});
// A client that goes away is no affair of a sink.
server.on("error", () => {});
server.listen(Number(port), "127.0.0.1");
