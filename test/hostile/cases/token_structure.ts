import { base64url } from 'jose';
import { newClaims, signParts, signText } from '../../setup/tokens.ts';
import { accepted, refused } from '../case.ts';
import * as jwt from '../token.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The parts of the valid token, by the names of the JSON serialization. */
function parts() {
  const [protectedHeader = '', payload = '', signature = ''] = jwt.claims().split('.');
  return { protected: protectedHeader, payload, signature };
}

/** A valid token whose signature has characters in which base64url and base64 differ. */
function tokenWithDash(nonce = 0): string {
  const token = jwt.claims({ jti: `n${nonce}` });
  return /[-_][^.]*$/.test(token) ? token : tokenWithDash(nonce + 1);
}

/** Other text for the same bytes: the last character has unused bits. */
const setUnusedBits = (part: string) => part.replace(/.$/, (last) => ALPHABET.charAt(ALPHABET.indexOf(last) ^ 1));

/** A valid token of this many characters; for three letters in a claim, base64url has four. */
function tokenOfLength(length: number): string {
  const shortest = jwt.claims({ more: '' }).length;
  const letters = Math.ceil(((length - shortest) * 3) / 4);
  return jwt.claims({ more: 'x'.repeat(letters) });
}

/** Tokens that are not three parts of canonical base64url: a header object, a claims set and their MAC. */
export const tokenStructure = [
  accepted('control-valid', 'A well-formed HS256 token.'),
  refused(401, 'no-dots', 'One word without any dot.', { token: () => 'abcdefghijklmnopqrstuvwxyz' }),
  refused(401, 'one-dot', 'Header and payload only.', { token: () => jwt.claims().replace(/\.[^.]*$/, '') }),
  refused(401, 'empty-payload-part', 'Payload part emptied.', { token: () => jwt.changePart(1, () => '') }),
  refused(401, 'empty-header-part', 'Header part emptied.', { token: () => jwt.changePart(0, () => '') }),
  refused(401, 'extra-empty-part', 'A valid token and one more dot.', { token: () => `${jwt.claims()}.` }),
  refused(401, 'five-parts-jwe-shape', 'Five parts, as in a compact JWE.', {
    token: () => `${jwt.claims()}.AAAA.BBBB`,
  }),

  refused(401, 'sig-bit-flip-first', 'First bit of the MAC inverted.', {
    token: () => jwt.changeSignature((mac) => mac.map((byte, n) => (n === 0 ? byte ^ 0x80 : byte))),
  }),
  refused(401, 'sig-truncated-16', 'MAC cut to its first 16 bytes.', {
    token: () => jwt.changeSignature((mac) => mac.subarray(0, 16)),
  }),
  refused(401, 'sig-all-zero', 'MAC of 32 zero bytes.', { token: () => jwt.changeSignature(() => Buffer.alloc(32)) }),
  refused(401, 'sig-doubled', 'MAC repeated: 64 bytes.', {
    token: () => jwt.changeSignature((mac) => Buffer.concat([mac, mac])),
  }),
  refused(401, 'payload-changed-after-sign', 'email changed after signing.', {
    token: () => jwt.changePart(1, () => base64url.encode(JSON.stringify(newClaims({ email: 'root' })))),
  }),
  refused(401, 'sig-from-other-token', 'MAC of another valid token.', {
    token: () => jwt.changePart(2, () => jwt.claims({ email: 'other' }).replace(/^.*\./, '')),
  }),

  refused(401, 'sig-pad-equals', 'Padding after the MAC (RFC 7515 §2); jose accepts it.', {
    token: () => `${jwt.claims()}=`,
  }),
  refused(401, 'sig-trailing-bits', 'Unused bits of the last character set: other text for the same bytes.', {
    token: () => jwt.changePart(2, setUnusedBits),
  }),
  refused(401, 'payload-inner-space-signed', 'A space inside the payload text, and the MAC over that text.', {
    token: () => signParts(jwt.SECRET, parts().protected, parts().payload.replace(/.{8}/, '$& ')),
  }),
  refused(401, 'std-base64-alphabet', 'MAC written with + and / in place of - and _.', {
    token: () => jwt.changePart(2, (mac) => mac.replaceAll('-', '+').replaceAll('_', '/'), tokenWithDash()),
  }),
  refused(401, 'unicode-dot', 'Fullwidth full stops for dots, as raw UTF-8 in the header.', {
    token: () => jwt.claims().replaceAll('.', '．'),
    gateway: [400],
  }),

  refused(401, 'header-trailing-bits-signed', 'Unused bits of the header set, and the MAC over that text.', {
    token: () => signParts(jwt.SECRET, setUnusedBits(base64url.encode('{"alg":"HS256" }')), parts().payload),
  }),
  accepted('token-of-8-kb', 'As long as a token may be.', { token: () => tokenOfLength(8192) }),
  refused(401, 'token-over-8-kb', 'Longer than a token may be, correctly signed.', {
    token: () => tokenOfLength(8193),
    gateway: [431],
  }),
  refused(401, 'json-flattened-serialization', 'The flattened JSON serialization of a valid token (CVE-2022-39227).', {
    token: () => JSON.stringify(parts()),
  }),
  refused(401, 'polyglot-compact-in-json', 'JSON whose first name looks like a compact token (CVE-2022-39227).', {
    token: () => {
      const forged = base64url.encode(JSON.stringify(newClaims({ email: 'root' })));
      return JSON.stringify({ [`${parts().protected}.${forged}.`]: '', ...parts() });
    },
  }),
  refused(401, 'header-not-json', 'Header is plain text, correctly signed.', { token: () => jwt.rawHeader('hello') }),
  refused(401, 'header-json-array', 'Header is an array.', { token: () => jwt.rawHeader('[{"alg":"HS256"}]') }),
  refused(401, 'header-json-null', 'Header is null.', { token: () => jwt.rawHeader('null') }),
  refused(401, 'header-trailing-garbage', 'Two objects in the header.', {
    token: () => jwt.rawHeader('{"alg":"HS256"}{"alg":"none"}'),
  }),
  refused(401, 'jwe-zip-bomb-header', 'JWE with zip DEF that inflates to 8 MiB (CVE-2024-28176).', {
    token: () => jwt.jwe(' '.repeat(8 * 2 ** 20), { zip: 'DEF' }),
  }),
  refused(401, 'nested-jwt-in-payload', 'Payload is another, valid token (cty JWT).', {
    token: () => signText(jwt.SECRET, '{"alg":"HS256","typ":"JWT","cty":"JWT"}', jwt.claims()),
  }),
  refused(401, 'token-40k-dots', 'Six thousand dots (CVE-2025-22868, CVE-2025-30204, CVE-2025-27144).', {
    token: () => '.'.repeat(6000),
    gateway: [400, 413, 431],
  }),
];
