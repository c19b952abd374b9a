// Connects this tab with the stream that all tabs share, or, where there are no shared workers, with one of
// its own.

import { Stream } from './stream.js';

const shared = { meet: () => {} };

/** Has all tabs hear at once that marks on messages have changed. */
export const touched = () => shared.meet();

/** Begins to listen. Returns a function that has the stream try again at once. */
export function listen(hear) {
  if (typeof SharedWorker === 'undefined') {
    const stream = new Stream(hear);
    shared.meet = () => stream.look();
    return () => stream.retry();
  }
  const { port } = new SharedWorker(new URL('live-worker.js', import.meta.url), {
    type: 'module',
    name: 'starttls-lab',
  });
  port.onmessage = ({ data }) => hear(data);
  shared.meet = () => port.postMessage('look');
  port.postMessage('hello');
  addEventListener('pagehide', () => port.postMessage('bye'));
  addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    port.postMessage('hello');
    hear({ type: 'changes', kinds: { gap: 1 }, sessions: null, seq: null });
  });
  return () => port.postMessage('retry');
}
