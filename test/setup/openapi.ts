import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';

type Ref = { $ref?: string };
type Header = Ref & { required?: boolean; schema: object };
type Response = Ref & { headers: Record<string, Header>; content: Record<string, { schema: object }> };

/** docs/openapi.yaml, parsed. */
export const openapi = parse(readFileSync(new URL('../../docs/openapi.yaml', import.meta.url), 'utf8'));

const responses: Record<string, Response> = openapi.paths['/auth/logout_user/{user_id}'].post.responses;
const references = new Map<string, object>(); // Ajv compiles a schema once if it is the same object
const ajv = new Ajv2020({ strict: false }).addSchema(openapi, 'openapi');

/** Where an answer departs from docs/openapi.yaml: in its status, a header, or the body. Empty when it does not. */
export function departures(status: number, headers: Record<string, unknown>, body: unknown): string[] {
  if (!responses[status]) return [`status ${status} is not described`];
  const { headers: described, content } = resolve(responses[status]);
  const faults = Object.keys(headers).flatMap((name) =>
    name === 'content-type' || described[titled(name)] ? [] : [`${name} is not described`],
  );
  for (const [name, header] of Object.entries(described)) {
    const { schema, required } = resolve(header);
    const value = headers[name.toLowerCase()];
    if (value === undefined ? required : !ajv.validate(schema, value)) faults.push(`${name}: ${value}`);
  }
  const schema = content[String(headers['content-type'])]?.schema;
  if (!schema) return [...faults, `content-type: ${headers['content-type']}`];
  return ajv.validate(absolute(schema), body) ? faults : [...faults, `body ${ajv.errorsText()}`];
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
