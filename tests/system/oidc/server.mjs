// SPDX-License-Identifier: Apache-2.0
// server.mjs PORT_FILE - oidc-provider with an API behind it, for the tests of csrelay. Everything lives in memory.
import { createServer } from 'node:http';
import { renameSync, writeFileSync } from 'node:fs';
import Provider from 'oidc-provider';

const server = createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const { port } = server.address();
const log = [], leads = [], revoked = [], issued = [];
const client = (id, more) => ({ client_id: id, client_secret: `${id}-secret`, redirect_uris: ['http://127.0.0.1:1/oauth/oidc/callback'],
  grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: 'client_secret_basic', ...more });

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [client('app'), client('machine', { grant_types: ['client_credentials'], response_types: [], redirect_uris: [],
    token_endpoint_auth_method: 'client_secret_post' })],
  cookies: { keys: ['test'] },
  features: { devInteractions: { enabled: true }, clientCredentials: { enabled: true }, revocation: { enabled: true },
    introspection: { enabled: false } },
  issueRefreshToken: async () => true,
  pkce: { required: () => true, methods: ['S256'] },
  rotateRefreshToken: true,
  scopes: ['openid', 'offline_access', 'leads'],
  ttl: { AccessToken: 600, ClientCredentials: 600, RefreshToken: 86400, Grant: 86400, Session: 86400, Interaction: 600, AuthorizationCode: 60 },
  findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
});

provider.on('grant.revoked', (ctx, id) => revoked.push(id));
provider.on('access_token.saved', (token) => issued.push(token.jti));
const grants = new Set();
provider.on('grant.success', (ctx) => { if (ctx.oidc.entities.Grant) grants.add(ctx.oidc.entities.Grant.jti); });

async function bearer(req) {
  const value = (req.headers.authorization ?? '').replace(/^Bearer /, '');
  const token = await provider.AccessToken.find(value) ?? await provider.ClientCredentials.find(value);
  return token?.isValid ? token : undefined;
}

function answer(res, status, body) {
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(JSON.stringify(body));
}

const handle = provider.callback();
server.on('request', async (req, res) => {
  const { pathname } = new URL(req.url, 'http://x');
  if (pathname === '/_log') return answer(res, 200, { log, leads, revoked });
  if (pathname === '/_revoke') {
    for (const id of grants) await (await provider.Grant.find(id))?.destroy();
    for (const id of grants) for (const kind of ['AccessToken', 'RefreshToken']) await provider[kind].revokeByGrantId(id);
    return answer(res, 200, {});
  }
  if (pathname === '/_expire') {
    for (const id of issued) await (await provider.AccessToken.find(id))?.destroy();
    return answer(res, 200, {});
  }
  log.push(`${req.method} ${pathname}`);
  if (!pathname.startsWith('/api/')) return handle(req, res);
  const token = await bearer(req);
  if (!token) return answer(res, 401, { error: 'invalid_token' });
  if (pathname === '/api/me') return answer(res, 200, { id: token.accountId ?? token.clientId });
  let body = '';
  for await (const part of req) body += part;
  leads.push(JSON.parse(body).event_id);
  return answer(res, 201, { id: `${leads.length}` });
});
const file = process.argv[2];
writeFileSync(`${file}.new`, `${port}`);
renameSync(`${file}.new`, file);
