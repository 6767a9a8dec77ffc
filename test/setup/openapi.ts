import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';

type Ref = { $ref?: string };
type Header = Ref & { required?: boolean; schema: object };
type Response = Ref & { headers: Record<string, Header>; content?: Record<string, { schema: object }> };

/** docs/openapi.yaml, parsed. */
export const openapi = parse(readFileSync(new URL('../../docs/openapi.yaml', import.meta.url), 'utf8'));

const references = new Map<string, object>(); // Ajv compiles a schema once if it is the same object
const ajv = new Ajv2020({ strict: false }).addSchema(openapi, 'openapi');

/** Where an answer of that path departs from docs/openapi.yaml: in its status, a header, or the body. Empty when it does not. */
export function departures(path: string, status: number, headers: Record<string, unknown>, text: string): string[] {
  const response: Response | undefined = openapi.paths[path]?.post.responses[status];
  if (!response) return [`status ${status} of ${path} is not described`];
  const { headers: described, content } = resolve(response);
  const faults = Object.keys(headers).flatMap((name) =>
    name === 'content-type' || described[titled(name)] ? [] : [`${name} is not described`],
  );
  for (const [name, header] of Object.entries(described)) {
    const { schema, required } = resolve(header);
    const value = headers[name.toLowerCase()];
    if (value === undefined ? required : !ajv.validate(schema, value)) faults.push(`${name}: ${value}`);
  }
  return [...faults, ...departuresOfBody(content, headers['content-type'], text)];
}

function departuresOfBody(content: Response['content'], type: unknown, text: string): string[] {
  if (!content) return type === undefined && text === '' ? [] : [`a body where none is described: ${type}`];
  const schema = content[String(type)]?.schema;
  if (!schema) return [`content-type: ${type}`];
  return ajv.validate(absolute(schema), JSON.parse(text)) ? [] : [`body ${ajv.errorsText()}`];
}

/** Follows a reference within the description. */
function resolve<T extends Ref>(node: T): T {
  if (!node.$ref) return node;
  return node.$ref
    .split('/')
    .slice(1)
    .reduce((parent, name) => parent[name], openapi);
}

function absolute(schema: Ref & object): object {
  if (!schema.$ref) return schema;
  const reference = references.get(schema.$ref) ?? { $ref: `openapi${schema.$ref}` };
  references.set(schema.$ref, reference);
  return reference;
}

function titled(name: string): string {
  return name === 'www-authenticate' ? 'WWW-Authenticate' : name.replace(/(^|-)./g, (letter) => letter.toUpperCase());
}
