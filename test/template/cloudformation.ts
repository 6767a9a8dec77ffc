import { RegoEngine, TemplateFile } from '@aws/cloudformation-validate';
import type { Template } from '../setup/package.ts';

const EXPLAINED = new Map([['W3005', 'the framework adds a DependsOn that a reference already implies']]);

/** What AWS's validator finds in the templates: errors, and warnings that are not explained above. */
export function faultsOf(templateFiles: string[]): string[] {
  const engine = new RegoEngine();
  const found = templateFiles.flatMap((file) => engine.validateStandard(new TemplateFile(file)).diagnostics);
  engine.free();
  return found
    .filter(({ severity, ruleId }) => severity !== 'INFO' && !EXPLAINED.has(ruleId))
    .map(({ ruleId, entity, message }) => `${ruleId} ${JSON.stringify(entity)} ${message}`);
}

/** What CloudFormation makes of a value with Ref, Fn::Sub, Fn::If and Fn::Equals; a resource is its own logical id. */
export function evaluate(value: unknown, template: Template, pseudo: Record<string, string>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const [[name, given] = []] = Object.entries(value);
  const [first, ...rest]: unknown[] = Array.isArray(given) ? given : [given];
  const resolve = (part: unknown) => evaluate(part, template, pseudo);
  if (name === 'Ref') return pseudo[String(first)] ?? first;
  if (name === 'Fn::Equals') return first !== undefined && resolve(first) === resolve(rest[0]);
  if (name === 'Fn::If') return resolve(rest[resolve(template.Conditions?.[String(first)]) ? 0 : 1]);
  if (name !== 'Fn::Sub') throw new Error(`${name} is not evaluated here`);
  const variables: Record<string, unknown> = Object(rest[0]);
  return String(first).replace(/\$\{([^}]+)\}/g, (_, key: string) => String(resolve(variables[key] ?? { Ref: key })));
}
