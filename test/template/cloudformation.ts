import { RegoEngine, TemplateFile } from '@aws/cloudformation-validate';

const EXPLAINED = new Map([
  ['W3005', 'the framework orders what a reference has ordered already'],
  ['W9003', 'a parameter of the command line is text; CloudFormation takes it for the number that it spells'],
]);

/** What AWS's validator says of the templates: errors, and warnings that are not explained above. */
export function faultsOf(templateFiles: string[]): string[] {
  const engine = new RegoEngine();
  const found = templateFiles.flatMap((file) => engine.validateStandard(new TemplateFile(file)).diagnostics);
  engine.free();
  return found
    .filter(({ severity, ruleId }) => severity !== 'INFO' && !EXPLAINED.has(ruleId))
    .map(({ ruleId, entity, message }) => `${ruleId} ${JSON.stringify(entity)} ${message}`);
}
