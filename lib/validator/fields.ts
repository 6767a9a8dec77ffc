import { ServiceError } from '../errors.ts';
import { isObject, parseStrictJson, RepeatedNameError } from '../json.ts';
import { wholePattern } from '../pattern.ts';
import { shownName } from './field_names.ts';

// Begins like JSON, or like quoted text: it was encoded once too often.
const ENCODED = /^["'[{]/;
// Several entries without a comma: lines, or email addresses.
const SEVERAL = /[\r\n]|@.*[\s;].*@/;
// The members of a JWK have short names. A longer one may be a key that was pasted in the wrong place.
const MEMBER = /^[\w#-]{1,8}$/;

/**
 * The fields of a validator record, each checked as it is read. The AWS console's editor and Terraform's maps hold only
 * text: there a number, a boolean, a list or a JWK set is JSON text. Every error names the field, never a value.
 */
export class Fields {
  readonly #secretId: string;
  readonly #fields: Map<string, unknown>;

  constructor(secretId: string, secretText: string | undefined) {
    this.#secretId = secretId;
    if (secretText === undefined) this.fail('the secret', 'is binary: store the record as text');
    const record = this.#parse('the secret', secretText, 'is not valid JSON');
    if (!isObject(record)) this.fail('the secret', 'must be a JSON object');
    this.#fields = new Map(Object.entries(record));
  }

  names(): string[] {
    return [...this.#fields.keys()];
  }

  /** Whether the field is set. Null counts as unset: some exports write it so. */
  has(field: string): boolean {
    return (this.#fields.get(field) ?? undefined) !== undefined;
  }

  /** Text, whitespace included: in a key every byte counts. */
  text(field: string): string {
    const value = this.#required(field);
    return typeof value === 'string' && value.trim() !== ''
      ? value
      : this.fail(field, 'must be text that is not blank');
  }

  /** Text that a claim must equal exactly. */
  claim(field: string): string {
    const text = this.text(field);
    if (text !== text.trim()) this.fail(field, 'begins or ends with whitespace: remove it');
    return this.#plain(field, text);
  }

  /** Comma-separated text, or a list of texts; every entry is trimmed. */
  list(field: string): string[] {
    const value = this.#required(field);
    const isText = typeof value === 'string' && !value.trim().startsWith('[');
    const list = isText ? value.split(',') : this.json(field);
    const entries: unknown[] = Array.isArray(list) ? list : this.fail(field, 'must be text or a list of texts');
    return entries.map((entry) => {
      const text = typeof entry === 'string' ? entry.trim() : '';
      if (text === '') this.fail(field, 'has an entry that is blank or not text');
      if (isText && SEVERAL.test(text)) this.fail(field, 'has entries without a comma between them');
      return this.#plain(field, text);
    });
  }

  flag(field: string): boolean {
    const value = this.#fields.get(field) ?? false;
    const text = String(value).trim().toLowerCase(); // "True" is how Python writes it
    if ((typeof value === 'boolean' || typeof value === 'string') && /^(true|false)$/.test(text))
      return text === 'true';
    return this.fail(field, 'must be true or false');
  }

  httpsUrl(field: string): URL {
    const url = URL.parse(this.text(field));
    if (url?.protocol === 'https:' && !url.username && !url.password) return url;
    return this.fail(field, 'must be an https address, without user and password');
  }

  seconds(field: string, fallback: number): number {
    const value = this.#fields.get(field) ?? fallback;
    const seconds = typeof value === 'string' && /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value;
    if (typeof seconds === 'number' && seconds >= 0 && Number.isFinite(seconds)) return seconds;
    return this.fail(field, 'must be a number of seconds, 0 or more');
  }

  /** A list or an object, or its JSON text. */
  json(field: string): unknown {
    const value = this.#required(field);
    if (typeof value !== 'string') return value;
    return this.#parse(field, value, 'is not valid JSON: correct its quotes, commas and brackets');
  }

  /** A regular expression that must match the whole of a text. */
  pattern(field: string): RegExp {
    const pattern = this.text(field);
    try {
      return wholePattern(pattern);
    } catch {
      return this.fail(field, 'must be a regular expression in Unicode mode');
    }
  }

  /** Throws record_invalid. */
  fail(field: string, what: string): never {
    throw new ServiceError('INTERNAL', 'record_invalid', this.fault(field, what));
  }

  /** What is wrong with a field, in words for an operator. */
  fault(field: string, what: string): string {
    return `validator record ${this.#secretId}: ${field} ${what}`;
  }

  #parse(where: string, text: string, whatElse: string): unknown {
    try {
      return parseStrictJson(text.replace(/^\ufeff/, '')); // some editors begin a file with a byte order mark
    } catch (error) {
      if (error instanceof RepeatedNameError) return this.#failRepeated(where, error);
      return this.fail(where, whatElse); // without the cause, which quotes the secret
    }
  }

  #failRepeated(where: string, { path }: RepeatedNameError): never {
    const [outermost = '', member] = where === 'the secret' ? path : [where, path.at(-1)];
    if (member === undefined) return this.fail(shownName(outermost), 'stands twice: remove one of them');
    const shown = MEMBER.test(member) ? member : 'one of its names';
    return this.fail(shown, `stands twice in ${shownName(outermost)}: remove one of them`);
  }

  #required(field: string): unknown {
    return this.#fields.get(field) ?? this.fail(field, 'is missing');
  }

  #plain(field: string, text: string): string {
    if (!ENCODED.test(text)) return text;
    return this.fail(field, 'begins like JSON or quoted text: write plain text, or one JSON list');
  }
}
