import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

export type Service = {
  port: number;
  url: string;
  /** What it has printed so far. */
  output: () => string;
  process: ChildProcess;
  /** Ends it as Ctrl-C does. */
  stop: () => Promise<void>;
};

/** Runs `npm start` with these options on ports of its own, until it is stopped or the test file ends. */
export async function startService(options: string[] = []): Promise<Service> {
  const port = await fourFreePorts();
  const url = `http://localhost:${port}`;
  const service = spawn(process.execPath, ['test/local/start.ts', '--port', `${port}`, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  // To the whole group, as a terminal sends it.
  const interrupt = () => {
    if (service.pid !== undefined && service.exitCode === null) process.kill(-service.pid, 'SIGINT');
  };
  process.once('exit', interrupt); // also when a test file fails before its tests begin

  let output = '';
  service.stderr.on('data', (chunk) => (output += chunk));
  for await (const chunk of service.stdout.iterator({ destroyOnReturn: false })) {
    output += chunk;
    if (output.includes(`ready ${url}\n`)) break;
  }
  if (!output.includes(`ready ${url}\n`)) throw new Error(`npm start has failed:\n${output}`);
  service.stdout.on('data', (chunk) => (output += chunk));

  const stop = async () => {
    process.off('exit', interrupt);
    if (service.exitCode !== null) throw new Error(`npm start has ended by itself:\n${output}`);
    interrupt();
    await once(service, 'close');
  };
  return { port, url, output: () => output, process: service, stop };
}

/** The first of four free ports in a row. Each process starts elsewhere, outside the ports that the system assigns. */
export async function fourFreePorts(): Promise<number> {
  for (let first = 10_000 + 4 * (process.pid % 5000); ; first += 4) {
    const free = await Promise.all([first, first + 1, first + 2, first + 3].map(isFree));
    if (!free.includes(false)) return first;
  }
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen(port, 'localhost');
  try {
    await once(probe, 'listening');
  } catch {
    return false;
  }
  await once(probe.close(), 'close');
  return true;
}
