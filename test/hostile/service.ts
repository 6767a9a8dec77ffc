import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Runs `npm start` on another port. Returns the function that ends it. */
export async function startService(port: number): Promise<() => Promise<void>> {
  const service = spawn(process.execPath, ['test/local/start.ts', '--port', `${port}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const interrupt = () => void service.kill('SIGINT');
  process.once('exit', interrupt); // also when a test file fails before its tests begin

  const ready = `ready http://localhost:${port}\n`;
  let output = '';
  for await (const chunk of service.stdout.iterator({ destroyOnReturn: false })) {
    output += chunk;
    if (output.includes(ready)) break;
  }
  if (!output.includes(ready)) throw new Error(`npm start has failed:\n${output}`);
  service.stdout.resume();

  return async () => {
    process.off('exit', interrupt);
    if (service.exitCode !== null) throw new Error(`npm start has ended by itself:\n${output}`);
    interrupt();
    await once(service, 'exit');
  };
}
