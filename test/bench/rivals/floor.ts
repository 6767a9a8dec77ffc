// The floor: the same job with nothing but Node. SigV4 by hand over node:https, HS256 by node:crypto, all batches at once.
// No timeouts, no rotation, no audit, no error table: what is left when only the work is done. Not for use.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { Agent, request } from 'node:https';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';

type Item = Record<string, { S?: string; N?: string } | undefined>;
type Delete = { DeleteRequest: { Key: Item } };
type Page = { Items: Item[]; LastEvaluatedKey?: Item };
type Batch = { UnprocessedItems: Record<string, Delete[]> };

const { SESSIONS_TABLE = '', VALIDATOR_SECRET_IDS = '', AWS_REGION = '' } = process.env;
const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '', AWS_SESSION_TOKEN = '' } = process.env;
const dynamodb = new URL(process.env.AWS_ENDPOINT_URL_DYNAMODB ?? '');
const secretsManager = new URL(process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER ?? '');
const agent = new Agent({ keepAlive: true, maxSockets: 50 });

let validator: Promise<{ secret_key: string; audience: string; issuer: string }> | undefined;

export async function handler(event: APIGatewayProxyEventV2) {
  validator ??= aws<{ SecretString: string }>('secretsmanager', secretsManager, 'secretsmanager.GetSecretValue', {
    SecretId: VALIDATOR_SECRET_IDS,
  }).then(({ SecretString }) => JSON.parse(SecretString));
  const { secret_key, audience, issuer } = await validator;
  const token = event.headers.authorization?.replace(/^Bearer /, '') ?? '';
  const [header = '', payload = '', signature = ''] = token.split('.');
  const mac = createHmac('sha256', secret_key).update(`${header}.${payload}`).digest();
  const sent = Buffer.from(signature, 'base64url');
  const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString());
  const { exp, aud, iss } = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const trusted = alg === 'HS256' && sent.length === mac.length && timingSafeEqual(sent, mac);
  if (!trusted || !(exp > Date.now() / 1000) || aud !== audience || iss !== issuer) return { statusCode: 401 };
  const { id = null } = JSON.parse(event.body || '{}');
  const live = await endSessions(event.pathParameters?.user_id ?? '');
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id, result: live > 0 }),
  };
}

async function endSessions(userId: string): Promise<number> {
  const now = Date.now() / 1000;
  const batches: Promise<void>[] = [];
  let live = 0;
  let ExclusiveStartKey: Item | undefined;
  do {
    const page: Page = await aws('dynamodb', dynamodb, 'DynamoDB_20120810.Query', {
      TableName: SESSIONS_TABLE,
      ConsistentRead: true,
      KeyConditionExpression: 'user_id = :user',
      ProjectionExpression: 'user_id, session_id, expires_at',
      ExpressionAttributeValues: { ':user': { S: userId } },
      ExclusiveStartKey,
    });
    ExclusiveStartKey = page.LastEvaluatedKey;
    for (let at = 0; at < page.Items.length; at += 25) batches.push(deleteBatch(page.Items.slice(at, at + 25)));
    for (const { expires_at } of page.Items) if (Number(expires_at?.N) > now) live++;
  } while (ExclusiveStartKey);
  await Promise.all(batches);
  return live;
}

async function deleteBatch(items: Item[]): Promise<void> {
  let requests: Delete[] = items.map(({ user_id, session_id }) => ({
    DeleteRequest: { Key: { user_id, session_id } },
  }));
  while (requests.length > 0) {
    const RequestItems = { [SESSIONS_TABLE]: requests };
    const answer = await aws<Batch>('dynamodb', dynamodb, 'DynamoDB_20120810.BatchWriteItem', { RequestItems });
    requests = answer.UnprocessedItems[SESSIONS_TABLE] ?? [];
  }
}

function aws<T>(service: string, endpoint: URL, target: string, input: object): Promise<T> {
  const body = JSON.stringify(input);
  const date = `${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}`;
  const scope = `${date.slice(0, 8)}/${AWS_REGION}/${service}/aws4_request`;
  const signed = 'host;x-amz-date;x-amz-security-token;x-amz-target';
  const canonical = `POST\n/\n\nhost:${endpoint.host}\nx-amz-date:${date}\nx-amz-security-token:${AWS_SESSION_TOKEN}\nx-amz-target:${target}\n\n${signed}\n${sha256(body)}`;
  const toSign = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`;
  const signature = createHmac('sha256', signingKey(date.slice(0, 8), service))
    .update(toSign)
    .digest('hex');
  const headers = {
    host: endpoint.host,
    'content-type': service === 'dynamodb' ? 'application/x-amz-json-1.0' : 'application/x-amz-json-1.1',
    'content-length': Buffer.byteLength(body),
    'x-amz-date': date,
    'x-amz-security-token': AWS_SESSION_TOKEN,
    'x-amz-target': target,
    authorization: `AWS4-HMAC-SHA256 Credential=${AWS_ACCESS_KEY_ID}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
  };
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', hostname: endpoint.hostname, port: endpoint.port, agent, headers };
    const sent = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk) => chunks.push(chunk)).on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(text));
      });
    });
    sent.on('error', reject).end(body);
  });
}

const keys = new Map<string, Buffer>();

function signingKey(day: string, service: string): Buffer {
  const known = keys.get(day + service);
  if (known) return known;
  let key = Buffer.from(`AWS4${AWS_SECRET_ACCESS_KEY}`);
  for (const part of [day, AWS_REGION, service, 'aws4_request']) key = createHmac('sha256', key).update(part).digest();
  keys.set(day + service, key);
  return key;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
