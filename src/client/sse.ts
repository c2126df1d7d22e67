/** Server-sent events, parsed as they come. */
export interface ServerEvent {
  /** Id of the event; empty when it has none. */
  id: string;
  /** Its type; `message` when it has none. */
  event: string;
  data: string;
}

/** A parser that takes text in pieces of any size and gives the events that each piece completes. */
export function createEventParser(): (text: string) => ServerEvent[] {
  let rest = '';
  let fields: ServerEvent = { id: '', event: '', data: '' };
  let hasData = false;

  const take = (line: string): ServerEvent | undefined => {
    if (line === '') {
      const event = hasData ? { ...fields, event: fields.event || 'message' } : undefined;
      fields = { id: '', event: '', data: '' };
      hasData = false;
      return event;
    }
    const [, name, value] = /^([^:]*)(?::\s?(.*))?$/s.exec(line) ?? [];
    if (name === 'data') {
      fields.data = hasData ? `${fields.data}\n${value ?? ''}` : (value ?? '');
      hasData = true;
    } else if (name === 'id' || name === 'event') {
      fields[name] = value ?? '';
    }
    return undefined;
  };

  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    return lines.map((line) => take(line.replace(/\r$/, ''))).filter((event) => event !== undefined);
  };
}

export async function* eventsOf(response: Response): AsyncIterable<ServerEvent> {
  if (response.body === null) {
    return;
  }
  const parse = createEventParser();
  const decoder = new TextDecoder();
  for await (const chunk of response.body) {
    yield* parse(decoder.decode(chunk, { stream: true }));
  }
}
