// The layouts of the other libraries in docs/session-stores.md, which the function gets as JSON: its package lacks this file.
import { isObject } from '../json.ts';
import type { Layout } from '../sessions/layout.ts';
import { parseJson } from '../settings/json.ts';
import { readLayout } from '../settings/layout.ts';

/** By the name to use in the parameter `layout`. Where the guide says so, the names in a layout are examples to adapt. */
export const LIBRARY_LAYOUTS: Record<string, Layout> = {
  adonisjs: {
    tableKey: ['key'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: 'expires_at', unit: 'milliseconds' },
  },
  'better-auth-ebratz': {
    tableKey: ['token'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: 'expiresAt', unit: 'iso' },
  },
  'better-auth-datar-platform': {
    tableKey: ['__ba_pk', '__ba_sk'],
    index: 'lookup2',
    userKey: { name: '__ba_g2pk', type: 'S', value: 'L#s7:session#s9:by_userId#s39:string:{user_id}' },
    sortKey: { name: '__ba_g2sk', beginsWith: '' },
    guard: { name: '__ba_tpk', equals: 'session' },
    expiry: { name: 'expiresAt', unit: 'iso' },
  },
  'better-auth-ryands17': {
    tableKey: ['PK', 'SK'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    guard: { name: '_type', equals: 'session' },
    expiry: { name: 'expiresAt', unit: 'iso' },
  },
  'better-auth-rokku-x': {
    tableKey: ['PK', 'SK'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    guard: { name: '_table', equals: 'session' },
    expiry: { name: 'expiresAt', unit: 'iso' },
  },
  electrodb: {
    tableKey: ['pk', 'sk'],
    index: 'gsi1pk-gsi1sk-index',
    userKey: { name: 'gsi1pk', type: 'S', value: '$auth#userid_{user_id:lower}' },
    sortKey: { name: 'gsi1sk', beginsWith: '$session_1' },
    guard: { name: '__edb_e__', equals: 'session' },
    expiry: { name: 'expires', unit: 'seconds' },
  },
  'electrodb-user-id': {
    tableKey: ['pk', 'sk'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    guard: { name: '__edb_e__', equals: 'session' },
    expiry: { name: 'expires', unit: 'seconds' },
  },
  'dynamodb-store-v3': {
    tableKey: ['id'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: 'expires', unit: 'seconds' },
  },
  'pwrdrvr-dynamodb-session-store': {
    tableKey: ['id'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: 'expires', unit: 'seconds' },
  },
  'lucia-one-index': {
    tableKey: ['PK', 'SK'],
    index: null,
    userKey: { name: 'PK', type: 'S', value: 'USER#{user_id}' },
    sortKey: { name: 'SK', beginsWith: 'SESSION#' },
    expiry: { name: 'ExpiresAt', unit: 'iso' },
  },
  'lucia-nr1e': {
    tableKey: ['Pk', 'Sk'],
    index: 'Gs1',
    userKey: { name: 'uid', type: 'S', value: '{user_id}' },
    guard: { name: 'typ', equals: 'Session' },
    expiry: { name: 'exp', unit: 'seconds' },
  },
  'oidc-provider': {
    tableKey: ['modelId'],
    index: 'accountId-index',
    userKey: { name: 'accountId', type: 'S', value: '{user_id}' },
    expiry: { name: 'expiresAt', unit: 'seconds' },
  },
  shopify: {
    tableKey: ['id'],
    index: 'shop_index',
    userKey: { name: 'shop', type: 'S', value: '{user_id}' },
    expiry: { name: 'expires', unit: 'iso' },
  },
  'flask-session': {
    tableKey: ['id'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: 'expiration', unit: 'seconds' },
  },
  cachelib: {
    tableKey: ['cache_key'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: 'expiration_time', unit: 'seconds' },
  },
  'django-dynamodb-sessions': {
    tableKey: ['session_key'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
  },
  'django-dysession': {
    tableKey: ['PK'],
    index: '_auth_user_id-index',
    userKey: { name: '_auth_user_id', type: 'S', value: '{user_id}' },
  },
  'fastapi-users': {
    tableKey: ['token'],
    index: 'user_id-index',
    userKey: { name: 'user_id', type: 'S', value: '{user_id}' },
  },
  pyramid: {
    tableKey: ['sid'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: 'exp', unit: 'seconds' },
  },
  laravel: {
    tableKey: ['key'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: 'expires_at', unit: 'seconds' },
  },
  symfony: {
    tableKey: ['id'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: 'expires', unit: 'seconds' },
  },
  rails: {
    tableKey: ['session_id'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
  },
  'aspnet-core': {
    tableKey: ['id'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: 'ttl_date', unit: 'seconds' },
  },
  aspnet: {
    tableKey: ['SessionId'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: 'Expires', unit: 'iso' },
  },
  openiddict: {
    tableKey: ['PartitionKey', 'SortKey'],
    index: 'Subject-index',
    userKey: { name: 'Subject', type: 'S', value: '{user_id}' },
    sortKey: { name: 'SearchKey', beginsWith: 'APPLICATION#' },
    expiry: { name: 'ttl', unit: 'seconds' },
  },
  identityserver4: {
    tableKey: ['Key'],
    index: 'SubjectIdAndCreationTimeIndex',
    userKey: { name: 'SubjectId', type: 'S', value: '{user_id}' },
    sortKey: { name: 'CreationTime', beginsWith: '' },
  },
  cas: {
    tableKey: ['id'],
    index: 'principal-index',
    userKey: { name: 'principal', type: 'S', value: '{user_id}' },
    expiry: { name: 'expiration', unit: 'seconds' },
  },
  'spring-session': {
    tableKey: ['SessionID'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: 'SessionExpirationTime', unit: 'seconds' },
  },
  tomcat: {
    tableKey: ['sessionId'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
  },
  'gorilla-sessions': {
    tableKey: ['id'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
  },
  fiber: {
    tableKey: ['k'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
  },
  'tower-sessions': {
    tableKey: ['session_id'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: 'expire_at', unit: 'seconds' },
  },
  vapor: {
    tableKey: ['pk', 'sk'],
    index: 'userId-index',
    userKey: { name: 'userId', type: 'S', value: '{user_id}' },
    expiry: { name: 'expiryDate', unit: 'seconds' },
  },
  authorizer: {
    tableKey: ['id'],
    index: 'user_id',
    userKey: { name: 'user_id', type: 'S', value: 'basic_auth:{user_id}' },
    expiry: { name: 'expires_at', unit: 'seconds' },
  },
};

/** Reads a layout as an operator writes it: any name of the guide, or JSON. Throws one line that says what to correct. */
export function readAnyLayout(given: string): Layout {
  const name = given.trim();
  const layout = Object.hasOwn(LIBRARY_LAYOUTS, name) ? LIBRARY_LAYOUTS[name] : undefined;
  return layout ?? readLayout(name, Object.keys(LIBRARY_LAYOUTS));
}

/** The layout for the function's environment: JSON, where its package does not know the name. Throws as above. */
export function layoutForFunction(given: string): string {
  const layout = readAnyLayout(given);
  return Object.values(LIBRARY_LAYOUTS).includes(layout) ? JSON.stringify(layout) : given;
}

/** The same for each layout in a list of further stores; what else is wrong with it is found when it is read. */
export function storesForFunction(list: string): string {
  const entries = list.trim() === 'none' ? undefined : parseJson(list);
  if (!Array.isArray(entries)) return list;
  return JSON.stringify(
    entries.map((entry: unknown) =>
      isObject(entry) && typeof entry.layout === 'string' && Object.hasOwn(LIBRARY_LAYOUTS, entry.layout)
        ? { ...entry, layout: LIBRARY_LAYOUTS[entry.layout] }
        : entry,
    ),
  );
}
