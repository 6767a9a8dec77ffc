import { execFile } from 'node:child_process';

export type Outcome = { code: number | null; stdout: string; stderr: string };

/** Runs a command of this project to its end, with that standard input. The signal kills it. */
export function run(words: string[], env: NodeJS.ProcessEnv = {}, input = '', signal?: AbortSignal): Promise<Outcome> {
  const options = { env: { ...process.env, ...env }, ...(signal && { signal }) };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, words, options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}
