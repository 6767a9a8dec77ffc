import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';

type Response = {
  headers: Record<string, { required?: boolean; schema: object }>;
  content?: Record<string, { schema: object }>;
};

/** docs/openapi.yaml, parsed. */
export const openapi = parse(readFileSync(new URL('../../docs/openapi.yaml', import.meta.url), 'utf8'));

const validator = new Validator();
await validator.validate(structuredClone(openapi));
const { paths } = JSON.parse(JSON.stringify(validator.resolveRefs()));
const ajv = new Ajv2020({ strict: false });

/** How the JSON of a request on this path departs from docs/openapi.yaml. */
export function requestViolations(path: string, body: unknown): string[] {
  const { schema } = paths[path].post.requestBody.content['application/json'];
  return ajv.validate(schema, body) ? [] : [ajv.errorsText()];
}

/** What in an answer on this path is not as in docs/openapi.yaml: in its status, a header or the body. */
export function contractViolations(
  path: string,
  status: number,
  headers: Record<string, unknown>,
  text: string,
): string[] {
  const response: Response | undefined = paths[path]?.post.responses[status];
  if (!response) return [`status ${status} of ${path} is not described`];
  const described = new Map(Object.entries(response.headers).map(([name, header]) => [name.toLowerCase(), header]));
  const faults = Object.keys(headers).flatMap((name) =>
    name === 'content-type' || described.has(name) ? [] : [`${name} is not described`],
  );
  for (const [name, { schema, required }] of described) {
    const value = headers[name];
    if (value === undefined ? required : !ajv.validate(schema, value)) faults.push(`${name}: ${value}`);
  }
  return [...faults, ...violationsInBody(response.content, headers['content-type'], text)];
}

function violationsInBody(content: Response['content'], type: unknown, text: string): string[] {
  if (!content) return type === undefined && text === '' ? [] : [`a body where none is described: ${type}`];
  const schema = content[String(type)]?.schema;
  if (!schema) return [`content-type: ${type}`];
  return ajv.validate(schema, JSON.parse(text)) ? [] : [`body ${ajv.errorsText()}`];
}
