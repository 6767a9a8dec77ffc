// How to tell by an item which library has written it.
import { LIBRARY_LAYOUTS } from '../deploy/library_layouts.ts';
import { KNOWN_LAYOUTS } from '../sessions/known_layouts.ts';
import type { Layout } from '../sessions/layout.ts';
import { type Item, isSession } from './session_item.ts';
import type { Table } from './table_look.ts';

export type Library = { layoutName: string; title: string; layout: Layout; marks: string[] };

/** The library's name as in docs/session-stores.md, and attributes that each of its sessions has; with their type, if it tells. */
const MARKS: Record<string, [title: string, ...marks: string[]]> = {
  default: ['your own code', 'user_id', 'session_id'],
  authjs: ['Auth.js, NextAuth (@auth/dynamodb-adapter)', 'GSI1PK', 'GSI1SK'],
  lucia: ['Lucia (lucia-adapter-dynamodb)', 'GSI2SK'],
  openauth: ['OpenAuth', 'value'],
  'connect-dynamodb': ['express-session (connect-dynamodb)', 'sess:S', 'type:S', 'expires'],
  architect: ['React Router, Remix, Architect', '_ttl'],
  'better-auth': ['Better Auth (better-auth-dynamodb)', 'userId', 'token', 'expiresAt'],
  adonisjs: ['AdonisJS (@adonisjs/session)', 'value', 'expires_at'],
  'better-auth-ebratz': ['Better Auth (@ebratz/dynamodb-better-auth)', 'userId', 'expiresAt'],
  'better-auth-datar-platform': ['Better Auth (@datar-platform/better-auth-dynamodb)', '__ba_tpk', '__ba_g2pk'],
  'better-auth-ryands17': ["Better Auth (ryands17's)", '_type', 'userId', 'expiresAt'],
  'better-auth-rokku-x': ["Better Auth (rokku-x's)", '_table', 'userId', 'expiresAt'],
  electrodb: ['ElectroDB', '__edb_e__', 'gsi1pk', 'gsi1sk'],
  'electrodb-user-id': ['ElectroDB', '__edb_e__', 'userId'],
  'dynamodb-store-v3': ['express-session (dynamodb-store-v3)', 'data:M', 'expires'],
  'pwrdrvr-dynamodb-session-store': ['express-session (@pwrdrvr/dynamodb-session-store)', 'sess:M', 'expires'],
  'lucia-one-index': ['Lucia (lucia-adapter-dynamodb, one index)', 'ExpiresAt'],
  'lucia-nr1e': ['Lucia (@nr1e/lucia-adapter-dynamodb)', 'typ', 'uid'],
  'oidc-provider': ['oidc-provider', 'payload'],
  shopify: ['Shopify (@shopify/shopify-app-session-storage-dynamodb)', 'shop', 'state', 'isOnline'],
  'flask-session': ['Flask-Session', 'val', 'expiration'],
  cachelib: ['cachelib', 'expiration_time'],
  'django-dynamodb-sessions': ['Django (django-dynamodb-sessions)', 'data'],
  'django-dysession': ['Django (django-dysession)', '_auth_user_id'],
  'fastapi-users': ['FastAPI Users (fastapi-users-db-dynamodb)', 'user_id'],
  pyramid: ['Pyramid (pyramid-dynamodb-sessions)', 'sid:B', 'exp'],
  laravel: ['Laravel', 'value', 'expires_at'],
  symfony: ["Symfony, the AWS SDK's session handler", 'data:S', 'expires'],
  rails: ['Rails, Rack (aws-sessionstore-dynamodb)', 'data', 'updated_at', 'expire_at'],
  'aspnet-core': ['ASP.NET Core (AWS.AspNetCore.DistributedCacheProvider)', 'ttl_date'],
  aspnet: ['ASP.NET (AWS.SessionProvider)', 'Expires'],
  openiddict: ['OpenIddict (OpenIddict.AmazonDynamoDB)', 'Subject', 'SearchKey'],
  identityserver4: ['IdentityServer4 (IdentityServer4.AmazonDynamoDB.Storage)', 'SubjectId', 'CreationTime'],
  cas: ['CAS', 'principal'],
  'spring-session': ['Spring Session (dimanex)', 'SessionExpirationTime'],
  tomcat: ['Tomcat (DynamoDB session manager)', 'sessionData'],
  'gorilla-sessions': ['gorilla/sessions (savaki/dynastore)', 'values', 'options'],
  fiber: ['Fiber (gofiber/storage/dynamodb)', 'v'],
  'tower-sessions': ['tower-sessions (tower-sessions-dynamodb-store)', 'expire_at'],
  vapor: ['Vapor (vapor-dynamodb-sessions)', 'expiryDate'],
  authorizer: ['Authorizer', 'user_id', 'expires_at'],
};

export const LIBRARIES: Library[] = Object.entries({ ...KNOWN_LAYOUTS, ...LIBRARY_LAYOUTS }).map(
  ([layoutName, layout]) => {
    const [title = layoutName, ...marks] = MARKS[layoutName] ?? [];
    return { layoutName, title, layout, marks };
  },
);

/**
 * The library that has written most of the items seen. Where none has, the only one with such an index or, in an empty
 * table, with such keys.
 */
export function recognise(table: Table): Library | undefined {
  const sameKeys = LIBRARIES.filter(({ layout }) => layout.tableKey.join() === table.key.join());
  const found = sameKeys
    .map((library) => ({ library, sessions: countSessions(library, table.items) }))
    .filter(({ sessions }) => sessions > 0)
    .sort((a, b) => b.sessions - a.sessions || closeness(b.library, table) - closeness(a.library, table));
  if (found.length > 0) return found[0]?.library;
  const withIndex = sameKeys.filter(({ layout }) => hasOwnIndex(layout, table));
  const candidates = table.items.length > 0 ? [withIndex] : [sameKeys, withIndex];
  return candidates.find(({ length }) => length === 1)?.[0];
}

export function countSessions({ layout, marks }: Library, items: Item[]): number {
  return items.filter((item) => isSession(item, layout, marks)).length;
}

/** For libraries whose items look alike: first the index that is there, then how much of an item tells. */
function closeness({ marks, layout }: Library, { indexes }: Table): number {
  const { index, guard, sortKey, expiry } = layout;
  const isFound = index === null || indexes.some(({ name }) => name === index);
  return (isFound ? 100 : 0) + marks.length + [guard, sortKey?.beginsWith, expiry].filter(Boolean).length;
}

/** Whether the library's own index is there; any application may have one that is called userId-index. */
function hasOwnIndex({ index, account }: Layout, { indexes }: Table): boolean {
  const own = index ?? account?.index;
  return own !== 'userId-index' && indexes.some(({ name }) => name === own);
}
