import { randomUUID } from 'node:crypto';
import type { Index, Item } from '../setup/tables.ts';

/** How a library keeps its sessions: copied from items that the library itself wrote, or from its source. */
export type Library = {
  /** The index by which a user's sessions are found. */
  index?: Index;
  /** A session of the user; without a date one that never expires. */
  session: (userId: string, expiresAt?: Date) => Item;
  /** What else the library puts into the table, for the user or for no user. */
  others: (userId: string) => Item[];
};

const seconds = (name: string, date?: Date): Item => (date ? { [name]: { N: String(date.getTime() / 1000) } } : {});
const wholeSeconds = (name: string, date?: Date): Item =>
  date ? { [name]: { N: String(Math.floor(date.getTime() / 1000)) } } : {};
const iso = (name: string, date?: Date): Item => (date ? { [name]: { S: date.toISOString() } } : {});

/** One for each known layout, by its name. */
export const LIBRARIES: Record<string, Library> = {
  default: {
    session: (userId, expiresAt) => ({
      user_id: { S: userId },
      session_id: { S: randomUUID() },
      ...wholeSeconds('expires_at', expiresAt),
    }),
    others: () => [],
  },
  authjs: {
    session: (userId, expiresAt) => {
      const token = randomUUID();
      return {
        pk: { S: `USER#${userId}` },
        sk: { S: `SESSION#${token}` },
        GSI1PK: { S: `SESSION#${token}` },
        GSI1SK: { S: `SESSION#${token}` },
        type: { S: 'SESSION' },
        userId: { S: userId },
        sessionToken: { S: token },
        ...seconds('expires', expiresAt),
      };
    },
    others: (userId): Item[] => [
      { pk: { S: `USER#${userId}` }, sk: { S: `USER#${userId}` }, type: { S: 'USER' }, id: { S: userId } },
      { pk: { S: `USER#${userId}` }, sk: { S: 'ACCOUNT#github#1001' }, type: { S: 'oauth' }, userId: { S: userId } },
      { pk: { S: `VT#${userId}` }, sk: { S: 'VT#3ce803aa88f5d12e' }, type: { S: 'VT' }, identifier: { S: userId } },
    ],
  },
  lucia: {
    session: (userId, expiresAt) => {
      const id = randomUUID();
      return {
        PK: { S: `USER#${userId}` },
        SK: { S: `SESSION#${id}` },
        GSI1PK: { S: `SESSION#${id}` },
        GSI1SK: { S: `SESSION#${id}` },
        GSI2PK: { S: 'SESSION_EXPIRES' },
        ...iso('GSI2SK', expiresAt),
      };
    },
    others: (userId) => [{ PK: { S: `USER#${userId}` }, SK: { S: `USER#${userId}` }, email: { S: 'u@example.com' } }],
  },
  openauth: {
    session: (userId, expiresAt) => ({
      pk: { S: `oauth:refresh\u001f${userId}` },
      sk: { S: randomUUID() },
      value: { S: '{"type":"user","properties":{},"clientID":"web"}' },
      ...wholeSeconds('expiry', expiresAt),
    }),
    others: (userId): Item[] => [
      { pk: { S: 'oauth:code' }, sk: { S: userId }, value: { S: '{}' } },
      { pk: { S: 'oauth:refresh' }, sk: { S: userId }, value: { S: '{}' } },
      { pk: { S: 'signing:key' }, sk: { S: userId }, value: { S: '{}' } },
    ],
  },
  'connect-dynamodb': {
    index: { name: 'userId-index', key: ['userId'] },
    session: (userId, expiresAt) => ({ ...connectSession(expiresAt), userId: { S: userId } }),
    others: () => [connectSession(new Date(Date.now() + 3_600_000))],
  },
  architect: {
    index: { name: 'userId-index', key: ['userId'] },
    session: (userId, expiresAt) => ({ ...architectSession(expiresAt), userId: { S: userId } }),
    others: () => [architectSession(new Date(Date.now() + 3_600_000))],
  },
  'better-auth': {
    index: { name: 'session_userId_idx', key: ['userId', 'createdAt'] },
    session: (userId, expiresAt) => ({
      id: { S: randomUUID() },
      token: { S: randomUUID() },
      userId: { S: userId },
      createdAt: { S: '2026-11-22T10:00:00.000Z' },
      userAgent: { S: 'test' },
      ...iso('expiresAt', expiresAt),
    }),
    others: () => [],
  },
};

function connectSession(expiresAt?: Date): Item {
  const sess = '{"cookie":{"originalMaxAge":3600000,"httpOnly":true,"path":"/"}}';
  return {
    id: { S: `sess:${randomUUID()}` },
    type: { S: 'connect-session' },
    sess: { S: sess },
    ...seconds('expires', expiresAt),
  };
}

function architectSession(expiresAt?: Date): Item {
  return { _idx: { S: randomUUID() }, __flash_m__: { S: 'hi' }, ...wholeSeconds('_ttl', expiresAt) };
}
