// Follows the lab's journal, for all tabs of a browser together: it runs in a shared worker where there is
// one. It says what kinds of records came, a few times a second; the views ask for what they show.

import { events } from './sse.js';

const API = new URL('../api/v1/', import.meta.url);
/** How long records are gathered before the tabs hear of them. */
const GATHER = 250;
/** How often the lab is asked whether it is still the same one, and whether the stream has stalled. */
const BEAT = 5000;
const POLL = 1000;
const LONGEST_PAUSE = 5000;
/** How many sessions are named one by one; of more, all are taken to have changed. */
const MOST_SESSIONS = 200;

export class Stream {
  /** `post` hears `{type: 'phase' | 'lab' | 'changes', ...}`. */
  constructor(post) {
    this.post = post;
    this.phase = 'connecting';
    this.lab = null;
    this.last = null;
    this.failures = 0;
    this.polling = false;
    this.pending = null;
    this.wake = () => {};
    this.run();
    setInterval(() => this.beat(), BEAT);
  }

  /** Returns what a tab has to hear that comes later. */
  greeting() {
    const greeting = [{ type: 'phase', phase: this.phase }];
    if (this.lab) greeting.push({ type: 'lab', lab: { ...this.lab, seq: this.last } });
    return greeting;
  }

  /** Tries again at once. */
  retry() {
    this.failures = 0;
    this.wake();
  }

  /** Looks at once whether there is something that the journal does not tell. */
  look() {
    this.meet().catch(() => {});
  }

  async run() {
    for (;;) {
      try {
        await this.meet();
        if (this.polling) await this.poll();
        else await this.follow();
      } catch (error) {
        this.set(error.signedOut ? 'signed-out' : this.lab ? 'reconnecting' : 'connecting');
      }
      this.failures += 1;
      await this.pause(Math.min(250 * 2 ** Math.min(this.failures, 6), LONGEST_PAUSE));
    }
  }

  /** Asks which lab it is. Behind another one, or behind a lab that has begun anew, everything has changed. */
  async meet() {
    const before = this.last;
    const lab = await (await this.fetch('lab', 'application/json')).json();
    const other = this.lab !== null && this.lab.instance !== lab.instance;
    // What came while the lab answered is newer than its answer.
    if (this.last === null || other || lab.seq < before) {
      this.last = lab.seq;
      if (this.lab !== null) this.note('gap', null);
    }
    // Marks on messages are no records of the journal.
    if (this.lab !== null && this.lab.marks !== lab.marks) this.note('marks', null);
    this.lab = lab;
    this.post({ type: 'lab', lab });
  }

  async follow() {
    this.abort = new AbortController();
    const response = await this.fetch('journal', 'text/event-stream', {
      signal: this.abort.signal,
      headers: { 'Last-Event-ID': String(this.last) },
    });
    this.set('live');
    this.failures = 0;
    for await (const { event, id, data } of events(response.body)) {
      if (id !== null && id !== '') this.last = Number(id);
      this.note(event === 'dropped' ? 'gap' : event, data);
    }
    this.set('reconnecting');
  }

  /** Asks for the journal again and again, where something between holds streams back. */
  async poll() {
    this.set('polling');
    for (;;) {
      const response = await this.fetch(`journal?after=${this.last}&limit=1000`, 'application/json');
      const stretch = await response.json();
      if (stretch.dropped > 0) this.note('gap', null);
      for (const entry of stretch.entries) this.note(entry.record, JSON.stringify(entry));
      this.last = stretch.next;
      await this.pause(POLL);
    }
  }

  async beat() {
    if (this.phase === 'polling') this.look();
    if (this.phase !== 'live') return;
    const before = this.last;
    try {
      await this.meet();
    } catch {
      this.abort?.abort();
      return;
    }
    const behind = this.lab.seq > this.last;
    if (behind && this.last === before && this.behind) {
      this.polling = true;
      this.abort?.abort();
    }
    this.behind = behind && this.last === before;
  }

  async fetch(path, accept, options = {}) {
    const headers = { Accept: accept, ...options.headers };
    const response = await fetch(new URL(path, API), { ...options, headers, cache: 'no-store' });
    if (response.ok) return response;
    const error = new Error(`the lab answered ${response.status}`);
    error.signedOut = response.status === 401;
    throw error;
  }

  note(kind, data) {
    if (this.pending === null) {
      this.pending = { kinds: {}, sessions: new Set(), events: [] };
      setTimeout(() => this.flush(), GATHER);
    }
    const { kinds, sessions } = this.pending;
    kinds[kind] = (kinds[kind] ?? 0) + 1;
    const session = data === null ? null : /"session":"([0-9A-Fa-f]+)"/.exec(data)?.[1];
    if (session && sessions.size < MOST_SESSIONS) sessions.add(session);
  }

  flush() {
    const { kinds, sessions } = this.pending;
    this.pending = null;
    const all = sessions.size >= MOST_SESSIONS;
    this.post({ type: 'changes', kinds, sessions: all ? null : [...sessions], seq: this.last });
  }

  set(phase) {
    if (phase === this.phase) return;
    this.phase = phase;
    this.post({ type: 'phase', phase });
  }

  pause(duration) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, duration);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
