import { RegoEngine, TemplateFile } from '@aws/cloudformation-validate';

const EXPLAINED = new Map([
  ['W3005', 'the framework adds a DependsOn that a reference already implies'],
  ['W9003', 'a command-line parameter is text; CloudFormation converts it to a number'],
]);

/** What AWS's validator finds in the templates: errors, and warnings that are not explained above. */
export function faultsOf(templateFiles: string[]): string[] {
  const engine = new RegoEngine();
  const found = templateFiles.flatMap((file) => engine.validateStandard(new TemplateFile(file)).diagnostics);
  engine.free();
  return found
    .filter(({ severity, ruleId }) => severity !== 'INFO' && !EXPLAINED.has(ruleId))
    .map(({ ruleId, entity, message }) => `${ruleId} ${JSON.stringify(entity)} ${message}`);
}
