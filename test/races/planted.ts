// Faults to plant in the code, one at a time: the races must find each of them, or they prove nothing.
import { registerHooks } from 'node:module';

type Planted = { file: string; code: string; planted: string };

export const PLANTED: Record<string, Planted> = {
  'a session in the middle of a save is left alone': {
    file: 'lib/sessions/expressions.ts',
    code: `\`(\${owner} = :user OR \${isAbsent(owner)})\``,
    planted: `\`\${owner} = :user\``,
  },
  'a key counts as seen before its delete': {
    file: 'lib/sessions/by_index.ts',
    code: "(['live', 'expired', undefined] as const)",
    planted: "(['live', 'expired'] as const)",
  },
  'settling looks only at what was deleted': {
    file: 'lib/sessions/by_index.ts',
    code: "if (session.outcome !== 'refused') return endAgain(logout, session);",
    planted: "return session.outcome !== 'refused' && endAgain(logout, session);",
  },
  'UnprocessedItems are dropped': {
    file: 'lib/sessions/by_key.ts',
    code: 'return requests.length === 0 || undefined;',
    planted: 'return true;',
  },
  'a live session counts as expired': {
    file: 'lib/sessions/expressions.ts',
    code: 'if (expiry && state) {',
    planted: "if (expiry && state === 'live') {",
  },
  'an item whose delete may have been carried out counts as deleted': {
    file: 'lib/sessions/by_index.ts',
    code: "const deletedBefore = before === 'deleted';",
    planted: "const deletedBefore = before !== 'refused';",
  },
  'every answer is 503': {
    file: 'lib/sessions/by_index.ts',
    code: 'if (cameBack) throw',
    planted: 'if (cameBack || true) throw',
  },
};

/** Changes the code as it is loaded, from now on. Throws when the code is no longer as the fault needs it. */
export function plant(name: string | undefined): void {
  if (name === undefined) return;
  const { file, code, planted } = PLANTED[name] ?? {};
  if (!file || !code || !planted) throw new Error(`there is no fault called ${name}`);
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!new URL(url).pathname.endsWith(file)) return loaded;
      const source = String(loaded.source);
      if (!source.includes(code)) throw new Error(`${file} does not have ${code}: see test/races/planted.ts`);
      return { ...loaded, source: source.replace(code, () => planted) };
    },
  });
}
