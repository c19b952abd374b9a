// One stream for all tabs: a browser opens six connections to a host and no more, and a stream for each
// tab would leave the seventh without an answer.

import { Stream } from './stream.js';

const ports = new Set();
const stream = new Stream((message) => ports.forEach((port) => port.postMessage(message)));

self.addEventListener('connect', ({ ports: [port] }) => {
  ports.add(port);
  port.onmessage = ({ data }) => {
    if (data === 'retry') stream.retry();
    else if (data === 'look') stream.look();
    else if (data === 'bye') ports.delete(port);
    else if (data === 'hello') {
      ports.add(port);
      stream.greeting().forEach((message) => port.postMessage(message));
    }
  };
});
