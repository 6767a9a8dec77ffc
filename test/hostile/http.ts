import { connect } from 'node:net';

export type Header = [name: string, value: string];
export type HttpRequest = {
  method: string;
  path: string;
  version: string;
  host: boolean;
  headers: Header[];
  body: string | Buffer | null;
};

/** An answer of the function, or one off the wire, which has a head; header names in lower case. */
export type Answer = { status: number; headers: Record<string, unknown>; text: string; head?: string };

export const BODY = '{"jsonrpc":"2.0","method":"call","params":{},"id":1}';

/** The request of a well-behaved client. */
export function plainRequest(token: string): HttpRequest {
  const headers: Header[] = [
    ['Authorization', `Bearer ${token}`],
    ['Content-Type', 'application/json'],
  ];
  return { method: 'POST', path: '/auth/logout_user/2', version: '1.1', host: true, headers, body: BODY };
}

/** Sends exactly these bytes, as no HTTP client would; undefined when the connection is closed without an answer. */
export async function send(port: number, request: HttpRequest): Promise<Answer | undefined> {
  const socket = connect(port, 'localhost');
  const received: Buffer[] = [];
  try {
    socket.write(onTheWire(port, request));
    for await (const chunk of socket) received.push(chunk);
  } catch {
    // A server that has answered may reset the connection rather than read on.
  } finally {
    socket.destroy();
  }
  return received.length > 0 ? parse(Buffer.concat(received).toString()) : undefined;
}

function onTheWire(port: number, { method, path, version, host, headers, body }: HttpRequest): Buffer {
  const framed = headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
  const lines = [
    `${method} ${path} HTTP/${version}`,
    ...(host ? [`Host: localhost:${port}`] : []),
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(body === null || framed ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    'Connection: close',
    '',
  ];
  return Buffer.concat([...lines.map((line) => encode(`${line}\r\n`)), Buffer.from(body ?? '')]);
}

/** Latin-1 if that has every character, as HTTP clients do; otherwise UTF-8. */
function encode(line: string): Buffer {
  return Buffer.from(line, /[^\0-\xff]/.test(line) ? 'utf8' : 'latin1');
}

function parse(answer: string): Answer {
  const [head = '', ...rest] = answer.replace(/^HTTP\/1\.1 100 .*\r\n\r\n/, '').split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line): Header => [line.replace(/:.*/, '').toLowerCase(), line.replace(/^[^:]*: */, '')]);
  const text = rest.join('\r\n\r\n');
  return { status: Number(statusLine.split(' ')[1]), headers: Object.fromEntries(headers), text, head };
}
