import { accepted, refused } from '../case.ts';
import { AUD_ISS_EMAIL, claims, now, payload } from '../token.ts';

const AUD = 'auth_logout_user_jwt';

/** The text of all valid claims, without their braces. */
const valid = () => `"exp":${now() + 60},${AUD_ISS_EMAIL}`;

/** Payloads that are not a claims set, and claims of the wrong type. */
export const claimTypeConfusion = [
  refused(401, 'payload-array', 'Claims set is an array.', { token: () => payload('[]') }),
  refused(401, 'payload-string', 'Claims set is a JSON string.', { token: () => payload('"admin"') }),
  refused(401, 'payload-number', 'Claims set is a number.', { token: () => payload('1') }),
  refused(401, 'payload-empty-object', 'Empty claims set.', { token: () => payload('{}') }),
  refused(401, 'payload-truncated', 'Claims without a closing brace.', { token: () => payload(`{${valid()}`) }),
  refused(401, 'payload-single-quotes', 'Claims in single quotes (lax parsers).', {
    token: () => payload(`{'exp':${now() + 60},'aud':'auth_logout_user_jwt','iss':'theissuer'}`),
  }),
  refused(401, 'payload-nan', 'exp is the bare word NaN.', { token: () => payload(`{"exp":NaN,${AUD_ISS_EMAIL}}`) }),
  refused(401, 'payload-invalid-utf8', 'Ill-formed UTF-8 inside a string claim (RFC 8725 §3.7).', {
    token: () => payload(Buffer.from(`{${valid()},"x":"\xff\xfe"}`, 'latin1')),
  }),
  refused(401, 'claims-only-in-proto', 'All claims are inside __proto__.', {
    token: () => payload(`{"__proto__":{${valid()}}}`),
  }),
  accepted('proto-beside-claims', 'Valid claims and a __proto__ member: it must not pollute anything.', {
    token: () => payload(`{"__proto__":{"polluted":"yes"},${valid()}}`),
  }),
  accepted('constructor-prototype', 'Valid claims and constructor.prototype.', {
    token: () => payload(`{"constructor":{"prototype":{"polluted":"yes"}},${valid()}}`),
  }),
  refused(401, 'duplicate-exp-valid-last', 'exp twice: expired first, valid last (RFC 7519 §4).', {
    token: () => payload(`{"exp":1,${AUD_ISS_EMAIL},"exp":${now() + 60}}`),
  }),
  refused(401, 'duplicate-exp-expired-last', 'exp twice: valid first, expired last.', {
    token: () => payload(`{${valid()},"exp":1}`),
  }),
  refused(401, 'duplicate-in-a-claim', 'A duplicate member inside another claim.', {
    token: () => payload(`{${valid()},"more":{"a":1,"\\u0061":1}}`),
  }),
  accepted('colon-in-claims', 'Colons and quotes inside strings do not make members.', {
    token: () => payload(`{${valid()},"a:b":"\\":\\\\","c":[":",{"a:b":""}]}`),
  }),

  refused(401, 'aud-missing', 'No aud.', { token: () => claims({ aud: undefined }) }),
  refused(401, 'aud-nested-array', 'aud is an array inside an array.', { token: () => claims({ aud: [[AUD]] }) }),
  refused(401, 'aud-object', 'aud is an object.', { token: () => claims({ aud: {} }) }),
  refused(401, 'aud-true', 'aud is true.', { token: () => claims({ aud: true }) }),
  refused(401, 'aud-zero', 'aud is 0.', { token: () => claims({ aud: 0 }) }),
  refused(401, 'aud-empty', 'aud is the empty string.', { token: () => claims({ aud: '' }) }),
  refused(401, 'aud-upper', 'aud is ours in capitals.', { token: () => claims({ aud: AUD.toUpperCase() }) }),
  refused(401, 'aud-space', 'aud is ours after a space.', { token: () => claims({ aud: ` ${AUD}` }) }),
  refused(401, 'aud-comma', 'aud is a comma-separated list.', { token: () => claims({ aud: `${AUD},other` }) }),
  refused(401, 'aud-nul', 'aud is ours and NUL.', { token: () => claims({ aud: `${AUD}\0` }) }),
  refused(401, 'aud-regex', 'aud is a regular expression.', { token: () => claims({ aud: 'auth_.*' }) }),
  refused(401, 'aud-star', 'aud is a star.', { token: () => claims({ aud: '*' }) }),
  accepted('aud-array', 'aud array holds ours and another.', { token: () => claims({ aud: ['other', AUD] }) }),
  refused(401, 'aud-array-empty', 'aud is an empty array.', { token: () => claims({ aud: [] }) }),
  refused(401, 'aud-array-mixed-types', 'aud array holds ours among null, number and object.', {
    token: () => claims({ aud: [null, 1, {}, AUD] }),
  }),

  refused(401, 'iss-missing', 'No iss.', { token: () => claims({ iss: undefined }) }),
  refused(401, 'iss-null', 'iss is null.', { token: () => claims({ iss: null }) }),
  refused(401, 'iss-array', 'iss is an array that holds ours (CVE-2024-53861).', {
    token: () => claims({ iss: ['theissuer'] }),
  }),
  refused(401, 'iss-number', 'iss is a number.', { token: () => claims({ iss: 1 }) }),
  refused(401, 'iss-empty', 'iss is the empty string.', { token: () => claims({ iss: '' }) }),
  refused(401, 'iss-prefix', 'iss is a prefix of ours.', { token: () => claims({ iss: 'theissue' }) }),
  refused(401, 'iss-upper', 'iss is ours in mixed case.', { token: () => claims({ iss: 'TheIssuer' }) }),

  // email says who calls, for the audit record; without allowed_emails it decides nothing.
  accepted('email-array', 'email is an array.', { token: () => claims({ email: ['admin'] }) }),
  accepted('email-mongo-operator', 'email is a NoSQL operator.', { token: () => claims({ email: { $ne: null } }) }),
  accepted('email-dynamo-typed', 'email is a DynamoDB value.', { token: () => claims({ email: { S: 'admin' } }) }),
  accepted('email-empty', 'email is empty.', { token: () => claims({ email: '' }) }),
  accepted('email-nul', 'email is admin and NUL.', { token: () => claims({ email: 'admin\0' }) }),
  accepted('email-missing', 'No email.', { token: () => claims({ email: undefined }) }),
  refused(401, 'sub-number', 'sub is a number.', { token: () => claims({ sub: 2 }) }),
  refused(401, 'jti-object', 'jti is an object.', { token: () => claims({ jti: { a: 1 } }) }),
  accepted('claim-deep-nesting', 'Another claim is nested two thousand levels deep.', {
    token: () => payload(`{${valid()},"d":${'['.repeat(2000)}${']'.repeat(2000)}}`),
    gateway: [400, 413, 431],
  }),
];
