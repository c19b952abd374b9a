// Reads server-sent events out of the body of an answer to `fetch`, which, unlike an EventSource, tells a
// refusal from an interruption, hears every kind of event, and can POST.

/** Yields `{event, id, data}` until the body ends. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let event = { event: 'message', id: null, data: [] };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + value).split('\n');
      rest = lines.pop();
      for (const line of lines.map((it) => it.replace(/\r$/, ''))) {
        if (line === '') {
          if (event.data.length > 0) yield { ...event, data: event.data.join('\n') };
          event = { event: 'message', id: null, data: [] };
          continue;
        }
        const colon = line.indexOf(':');
        const field = colon < 0 ? line : line.slice(0, colon);
        const text = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
        if (field === 'data') event.data.push(text);
        else if (field === 'event') event.event = text;
        else if (field === 'id') event.id = text;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
