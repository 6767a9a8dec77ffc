import { accepted, refused } from '../case.ts';
import { AUD_ISS_EMAIL, claims, now, payload } from '../token.ts';

/** When a token is valid: exp, nbf and iat of any type and size. */
export const time = [
  refused(401, 'exp-missing', 'No exp: it is required.', { token: () => claims({ exp: undefined }) }),
  refused(401, 'exp-null', 'exp is null.', { token: () => claims({ exp: null }) }),
  refused(401, 'exp-false', 'exp is false.', { token: () => claims({ exp: false }) }),
  refused(401, 'exp-object', 'exp is an object.', { token: () => claims({ exp: { v: now() + 60 } }) }),
  refused(401, 'exp-word', 'exp is a word.', { token: () => claims({ exp: 'tomorrow' }) }),
  refused(401, 'exp-iso', 'exp is an ISO date.', { token: () => claims({ exp: '2099-01-01T00:00:00Z' }) }),
  refused(401, 'exp-string-1e309', 'exp is the string 1e309.', { token: () => claims({ exp: '1e309' }) }),
  refused(401, 'exp-hex-string', 'exp is a string in hex.', { token: () => claims({ exp: '0xffffffff' }) }),
  refused(401, 'exp-zero', 'exp is zero.', { token: () => claims({ exp: 0 }) }),
  refused(401, 'exp-minus-one', 'exp is -1.', { token: () => claims({ exp: -1 }) }),
  refused(401, 'exp-minus-1e309', 'exp is -1e309: -Infinity once it is parsed.', {
    token: () => payload(`{"exp":-1e309,${AUD_ISS_EMAIL}}`),
  }),
  refused(401, 'exp-1e309', 'exp is 1e309: valid for ever.', {
    token: () => payload(`{"exp":1e309,${AUD_ISS_EMAIL}}`),
  }),
  refused(401, 'exp-digits', 'exp is a string of digits.', { token: () => claims({ exp: `${now() + 60}` }) }),
  refused(401, 'exp-past-61s', 'Expired 61 s ago: beyond the leeway.', { token: () => claims({ exp: now() - 61 }) }),
  accepted('exp-past-2s', 'Expired 2 s ago: within the leeway.', { token: () => claims({ exp: now() - 2 }) }),
  accepted('exp-exponent-notation', 'exp written with an exponent.', {
    token: () => payload(`{"exp":${(now() + 600).toExponential()},${AUD_ISS_EMAIL}}`),
  }),
  refused(401, 'exp-milliseconds', 'exp in milliseconds: beyond the longest lifetime.', {
    token: () => claims({ exp: (now() + 60) * 1000 }),
  }),
  refused(401, 'exp-25h', 'exp in 25 hours: beyond the longest lifetime.', {
    token: () => claims({ exp: now() + 25 * 3600 }),
  }),
  accepted('exp-23h', 'exp in 23 hours.', { token: () => claims({ exp: now() + 23 * 3600 }) }),
  refused(401, 'exp-100-years', 'exp in a hundred years.', { token: () => claims({ exp: now() + 3_155_760_000 }) }),
  refused(401, 'exp-beyond-date-range', 'exp so large that no Date can hold it.', {
    token: () => claims({ exp: 9_000_000_000_000_000 }),
  }),
  refused(401, 'exp-missing-with-iat', 'No exp, but a fresh iat.', {
    token: () => claims({ exp: undefined, iat: now() }),
  }),

  refused(401, 'nbf-true', 'nbf is true.', { token: () => claims({ nbf: true }) }),
  refused(401, 'nbf-null', 'nbf is null.', { token: () => claims({ nbf: null }) }),
  refused(401, 'nbf-minus-1e309', 'nbf is -1e309.', {
    token: () => payload(`{"exp":${now() + 60},"nbf":-1e309,${AUD_ISS_EMAIL}}`),
  }),
  refused(401, 'nbf-array', 'nbf is an array.', { token: () => claims({ nbf: [0] }) }),
  refused(401, 'nbf-future-90s', 'nbf in 90 s: beyond the leeway.', {
    token: () => claims({ exp: now() + 600, nbf: now() + 90 }),
  }),
  accepted('nbf-future-3s', 'nbf in 3 s: within the leeway.', { token: () => claims({ nbf: now() + 3 }) }),
  accepted('nbf-past', 'nbf one minute ago.', { token: () => claims({ nbf: now() - 60 }) }),
  accepted('nbf-zero', 'nbf zero.', { token: () => claims({ nbf: 0 }) }),
  accepted('nbf-fraction', 'nbf in the past, with a fraction.', { token: () => claims({ nbf: now() - 4.75 }) }),

  refused(401, 'iat-future-1h', 'iat in one hour.', {
    token: () => claims({ exp: now() + 7200, iat: now() + 3600 }),
  }),
  refused(401, 'iat-string', 'iat is text.', { token: () => claims({ iat: 'now' }) }),
  refused(401, 'iat-25h-ago', 'iat 25 hours ago: too old.', { token: () => claims({ iat: now() - 25 * 3600 }) }),
  refused(401, 'iat-negative', 'iat is negative: longer ago than the longest lifetime.', {
    token: () => claims({ iat: -1 }),
  }),
  accepted('iat-past', 'iat five seconds ago.', { token: () => claims({ iat: now() - 5 }) }),
];
