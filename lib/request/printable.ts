/** An id, so that two different ones are never the same text: `\\u{…}` for what cannot be printed, and the backslash. */
export function printable(id: string): string {
  return id.replace(/[\\\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** The id that is written like this. Throws a RangeError where `\\u{…}` names no character. */
export function fromPrintable(text: string): string {
  return text.replace(/\\u\{([0-9a-f]{1,8})\}/gi, (_, digits: string) =>
    String.fromCodePoint(Number.parseInt(digits, 16)),
  );
}
