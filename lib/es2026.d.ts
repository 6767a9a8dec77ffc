// JSON.parse source text access (ECMAScript 2026): Node 24 has it, TypeScript's library does not yet.
interface JSON {
  rawJSON(text: string): object;
  isRawJSON(value: unknown): value is object;
  parse(
    text: string,
    reviver: (this: unknown, key: string, value: unknown, context: { source: string }) => unknown,
  ): unknown;
}
