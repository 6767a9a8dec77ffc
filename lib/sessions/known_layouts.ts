import type { Layout } from './layout.ts';

/** The layouts of known libraries, by the name to use in a setting. */
export const KNOWN_LAYOUTS: Record<string, Layout> = {
  default: {
    tableKey: ['user_id', 'session_id'],
    index: null,
    userKey: { name: 'user_id', type: 'S', value: '{user_id}' },
    expiry: { name: 'expires_at', unit: 'seconds' },
  },
  // The partition also holds USER# and ACCOUNT# items: without the prefix a logout would delete the user.
  authjs: {
    tableKey: ['pk', 'sk'],
    index: null,
    userKey: { name: 'pk', type: 'S', value: 'USER#{user_id}' },
    sortKey: { name: 'sk', beginsWith: 'SESSION#' },
    expiry: { name: 'expires', unit: 'seconds' },
    account: {
      index: 'GSI1',
      partitionKey: { name: 'GSI1PK', value: 'ACCOUNT#{provider}' },
      sortKey: { name: 'GSI1SK', value: 'ACCOUNT#{sub}' },
    },
    email: {
      index: 'GSI1',
      partitionKey: { name: 'GSI1PK', value: 'USER#{email}' },
      sortKey: { name: 'GSI1SK', value: 'USER#{email}' },
    },
  },
  // The adapter's default, with two indexes; with one index (option gsiName) the expiry is in ExpiresAt.
  lucia: {
    tableKey: ['PK', 'SK'],
    index: null,
    userKey: { name: 'PK', type: 'S', value: 'USER#{user_id}' },
    sortKey: { name: 'SK', beginsWith: 'SESSION#' },
    expiry: { name: 'GSI2SK', unit: 'iso' },
  },
  // Refresh tokens: OpenAuth joins the first two parts of a key by the unit separator.
  openauth: {
    tableKey: ['pk', 'sk'],
    index: null,
    userKey: { name: 'pk', type: 'S', value: 'oauth:refresh\u001f{user_id}' },
    expiry: { name: 'expiry', unit: 'seconds' },
  },
  'connect-dynamodb': {
    tableKey: ['id'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: 'expires', unit: 'seconds' },
  },
  architect: {
    tableKey: ['_idx'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: '_ttl', unit: 'seconds' },
  },
  'better-auth': {
    tableKey: ['id'],
    index: 'session_userId_idx',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    sortKey: { name: 'createdAt', beginsWith: '' },
    expiry: { name: 'expiresAt', unit: 'iso' },
  },
};

/** What user ids look like where a layout's library makes them by itself, by the name of the layout. */
export const LIBRARY_USER_IDS: Record<string, string> = {
  authjs: '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', // crypto.randomUUID() in the adapter's createUser
  lucia: '[0-9a-z]{15,16}', // generateId(15), which was version 2's default; generateIdFromEntropySize(10) in base 32
  openauth: '[\\w.\\-]+:[0-9a-f]{16}', // resolveSubject() of its issuer: the subject's type, and half of a hash
  'better-auth': '[0-9A-Za-z]{32}', // generateId() of @better-auth/core
};
