// oidc-provider as it is compared: JWT access tokens and ID tokens in ES256, rotating refresh tokens, everything kept in Redis.
// PORT serves applications; CONTROL, another port, prepares codes and opaque access tokens and sets how long the filling claims
// are, so that its tokens have the size of ours. Neither preparation is measured.
import { createHash, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import Redis from 'ioredis';
import { Provider } from 'oidc-provider';

const { PORT, CONTROL, REDIS_PORT, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, CODE_VERIFIER } = process.env;
const redis = new Redis(Number(REDIS_PORT), '127.0.0.1');
const AUDIENCE = 'https://api.peer.test';
const SCOPE = 'openid offline_access read';
const DAY = 86400;
const filling = { access: '', id: '', service: '' };

class RedisAdapter {
  constructor(kind) { this.kind = kind; }

  key(id) { return `peer:${this.kind}:${id}`; }

  async upsert(id, payload, expiresIn = DAY) {
    const key = this.key(id);
    const steps = redis.pipeline().set(key, JSON.stringify(payload), 'EX', expiresIn);
    if (payload.grantId && this.kind !== 'Grant') {
      const family = `peer:of-grant:${payload.grantId}`;
      steps.sadd(family, key).expire(family, expiresIn);
    }
    await steps.exec();
  }

  async find(id) {
    const found = await redis.get(this.key(id));
    return found ? JSON.parse(found) : undefined;
  }

  async findByUid() { return undefined; }

  async findByUserCode() { return undefined; }

  async consume(id) {
    const key = this.key(id);
    const payload = JSON.parse(await redis.get(key));
    payload.consumed = Math.floor(Date.now() / 1000);
    await redis.set(key, JSON.stringify(payload), 'KEEPTTL');
  }

  async destroy(id) { await redis.del(this.key(id)); }

  async revokeByGrantId(grantId) {
    const members = await redis.smembers(`peer:of-grant:${grantId}`);
    if (members.length) await redis.del(...members);
  }
}

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
const provider = new Provider(`http://127.0.0.1:${PORT}`, {
  adapter: RedisAdapter,
  jwks: { keys: [{ ...key, kid: 'es256', alg: 'ES256', use: 'sig' }] },
  clients: [{
    client_id: CLIENT_ID,
    client_secret: CLIENT_SECRET,
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'],
    redirect_uris: [REDIRECT_URI],
    token_endpoint_auth_method: 'client_secret_basic',
    id_token_signed_response_alg: 'ES256',
    scope: SCOPE,
  }],
  scopes: ['openid', 'offline_access', 'read'],
  claims: { openid: ['sub', 'filling'] },
  conformIdTokenClaims: false,
  rotateRefreshToken: true,
  issueRefreshToken: async () => true,
  extraTokenClaims: async (ctx, token) => ({ filling: token.kind === 'ClientCredentials' ? filling.service : filling.access }),
  findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, filling: filling.id }) }),
  ttl: { AccessToken: 600, ClientCredentials: 600, IdToken: 600, AuthorizationCode: 600, Grant: DAY, RefreshToken: DAY },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: async () => true },
    resourceIndicators: {
      enabled: true,
      defaultResource: async () => AUDIENCE,
      useGrantedResource: async () => true,
      getResourceServerInfo: async () => ({
        scope: 'read', audience: AUDIENCE, accessTokenTTL: 600, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
  cookies: { keys: ['a key that signs no cookie here'] },
});
provider.on('server_error', (ctx, error) => console.error(error));

async function granted(accountId) {
  const grant = new provider.Grant({ accountId, clientId: CLIENT_ID });
  grant.addOIDCScope('openid offline_access');
  grant.addResourceScope(AUDIENCE, 'read');
  return { accountId, grantId: await grant.save(), client: await provider.Client.find(CLIENT_ID), gty: 'authorization_code', claims: {} };
}

const prepare = {
  async code(account) {
    return new provider.AuthorizationCode({
      ...await granted(account), redirectUri: REDIRECT_URI, scope: SCOPE, resource: AUDIENCE, expiresWithSession: false,
      authTime: Math.floor(Date.now() / 1000) - 60, codeChallengeMethod: 'S256',
      codeChallenge: createHash('sha256').update(CODE_VERIFIER).digest('base64url'),
    }).save();
  },
  async opaque(account) {
    return new provider.AccessToken({ ...await granted(account), scope: 'openid', expiresWithSession: false }).save();
  },
};

createServer(async (request, response) => {
  const asked = new URL(request.url, 'http://control');
  const made = [];
  if (asked.pathname === '/filling') {
    for (const [name, octets] of asked.searchParams) filling[name] = 'x'.repeat(Number(octets));
  } else {
    const one = prepare[asked.pathname.slice(1)];
    for (let n = 0; n < Number(asked.searchParams.get('count')); n += 1) made.push(await one(`account-${n % 500}`));
  }
  response.end(made.join('\n'));
}).listen(Number(CONTROL), '127.0.0.1');

provider.listen(Number(PORT), '127.0.0.1');
