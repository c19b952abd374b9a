// Asks the control API. Every address is relative to this module, so that the page works below a path of a
// reverse proxy, too.

const BASE = new URL('../', import.meta.url);

/** A failure, as the control API's problem documents (RFC 9457) tell it; the status is 0 where no answer came. */
export class Problem extends Error {
  constructor(status, document) {
    super(document.detail ?? document.title ?? `the lab answered ${status}`);
    this.status = status;
    this.document = document;
  }

  /** What failed, in a few words. Only what a cmdlet came back with is a refusal of Exchange. */
  get title() {
    return this.document.shown !== undefined ? 'Exchange refuses this' : 'That did not work';
  }
}

const listeners = { signedOut: () => {} };

/** Sets what is done when the lab asks for its token; it hears when the request was made that had none. */
export function onSignedOut(listener) {
  listeners.signedOut = listener;
}

/** Returns the address of a path of the control API. */
export function address(path) {
  return new URL(path, BASE).href;
}

/** Returns a path whose segments are percent-encoded. */
export function path(...segments) {
  return ['api/v1', ...segments.map(encodeURIComponent)].join('/');
}

/** Asks for a path, and returns the response; a failure is thrown as a `Problem`. */
export async function ask(method, where, { body, query, accept = 'application/json', signal } = {}) {
  const url = new URL(where, BASE);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined && value !== '') url.searchParams.set(name, value);
  }
  const headers = { Accept: accept };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const asked = performance.now();
  let response;
  try {
    response = await fetch(url, {
      method,
      headers,
      signal,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem(0, { detail: 'The lab does not answer: it has ended, or it cannot be reached.' });
  }
  if (response.ok) return response;
  const document = await response.json().catch(() => ({ title: response.statusText }));
  if (response.status === 401) listeners.signedOut(asked);
  throw new Problem(response.status, document);
}

/** Asks for a path, and returns the JSON of the answer; `null` where there is none. */
export async function json(method, where, options) {
  const response = await ask(method, where, options);
  return response.status === 204 ? null : response.json();
}

export const get = (where, query, options) => json('GET', where, { query, ...options });
export const post = (where, body, options) => json('POST', where, { body, ...options });
export const put = (where, body) => json('PUT', where, { body });

/** Returns a function that asks and draws the answer. Answers may overtake each other: one that is older than what
 * is drawn already is dropped, and so is its failure. */
export function inOrder(ask, draw) {
  let asked = 0;
  let drawn = 0;
  return async (...given) => {
    const mine = (asked += 1);
    let answer;
    try {
      answer = await ask(...given);
    } catch (error) {
      if (mine < drawn) return;
      throw error;
    }
    if (mine < drawn) return;
    drawn = mine;
    await draw(answer, ...given);
  };
}
