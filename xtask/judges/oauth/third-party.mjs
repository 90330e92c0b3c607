// npm oidc-provider as a third-party key manager: found by discovery, its tokens verified at our gateway.

import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';
import { assert, env, step } from './browser.mjs';

const GATEWAY = process.env.PORTCULLIS_GATEWAY_URL;
const RESOURCE = 'https://apis.example/';
const GRANT = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [] };

async function privateKey(kid) {
  const pair = await crypto.subtle.generateKey({ name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }, true, ['sign', 'verify']);
  return { ...(await crypto.subtle.exportKey('jwk', pair.privateKey)), kid, use: 'sig', alg: 'RS256', key_ops: undefined, ext: undefined };
}

async function provider(port, kid) {
  const issuer = `http://localhost:${port}`;
  const made = new Provider(issuer, {
    clients: [{ client_id: 'mapped', client_secret: 'mapped-secret', ...GRANT }, { client_id: 'unmapped', client_secret: 'unmapped-secret', ...GRANT }],
    jwks: { keys: [await privateKey(kid)] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        getResourceServerInfo: (ctx, resource) => ({ scope: 'orders', audience: resource, accessTokenTTL: 600, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } }),
      },
    },
  });
  made.on('server_error', (ctx, error) => console.log(error));
  const server = createServer(made.callback());
  await new Promise((done) => server.listen(port, '127.0.0.1', done));
  return { issuer, server };
}

async function manage(method, path, body, accepted = [200, 201]) {
  const form = body instanceof FormData;
  const headers = { authorization: `Basic ${btoa(`${env.admin.name}:${env.admin.password}`)}` };
  if (body && !form) headers['content-type'] = 'application/json';
  const response = await fetch(env.base + path, { method, headers, body: form ? body : body && JSON.stringify(body) });
  const text = await response.text();
  assert(accepted.includes(response.status), `${method} ${path}: ${response.status} ${text}`);
  return text && JSON.parse(text);
}

async function token(issuer, client, resource) {
  const form = new URLSearchParams({ grant_type: 'client_credentials', scope: 'orders' });
  if (resource) form.set('resource', resource);
  const response = await fetch(`${issuer}/token`, { method: 'POST', headers: { authorization: `Basic ${btoa(`${client}:${client}-secret`)}` }, body: form });
  const answer = await response.json();
  assert(answer.access_token, JSON.stringify(answer));
  return answer.access_token;
}

async function call(bearer) {
  const response = await fetch(`${GATEWAY}/third/1.0/x`, { headers: { authorization: `Bearer ${bearer}` } });
  await response.text();
  return response.status;
}

async function until(status, bearer) {
  let found;
  for (let n = 0; n < 100; n++) {
    found = await call(await bearer());
    if (found === status) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`the gateway answers ${found}, not ${status}`);
}

const upstream = createServer((request, response) => response.end('ok'));
await new Promise((done) => upstream.listen(0, '127.0.0.1', done));
const probe = createServer();
await new Promise((done) => probe.listen(0, '127.0.0.1', done));
const port = probe.address().port;
await new Promise((done) => probe.close(done));
let { issuer, server } = await provider(port, 'first');
let manager;
let keyManager;
let api;

await step('discovery fills in the form of the key manager', async () => {
  const form = new FormData();
  form.set('url', `${issuer}/.well-known/openid-configuration`);
  form.set('type', 'KeyCloak');
  const found = await manage('POST', '/api/am/admin/v4/key-managers/discover', form);
  assert(found.valid && found.value.issuer === issuer && found.value.certificates.value === `${issuer}/jwks`, JSON.stringify(found));
  manager = {
    ...found.value, name: 'Others', displayName: 'Others', enabled: true, consumerKeyClaim: 'client_id', scopesClaim: 'scope',
    enableMapOAuthConsumerApps: true, enableOAuthAppCreation: false, enableTokenGeneration: false, enableSelfValidationJWT: true,
    additionalProperties: { client_id: 'x', client_secret: 'y' }, tokenType: 'DIRECT', claimMapping: [],
  };
});

await step('its tokens open an API for the application that its client is mapped to', async () => {
  keyManager = await manage('POST', '/api/am/admin/v4/key-managers', manager);
  const endpoint = { url: `http://127.0.0.1:${upstream.address().port}` };
  api = await manage('POST', '/api/am/publisher/v4/apis', {
    name: 'third', version: '1.0', context: '/third', policies: ['Unlimited'], transport: ['https'], keyManagers: ['all'], audiences: [RESOURCE],
    securityScheme: ['oauth2', 'oauth_basic_auth_api_key_mandatory'],
    endpointConfig: { endpoint_type: 'http', production_endpoints: endpoint, sandbox_endpoints: endpoint },
    operations: [{ target: '/x', verb: 'GET', authType: 'Application & Application User', throttlingPolicy: 'Unlimited' }],
  });
  const revision = await manage('POST', `/api/am/publisher/v4/apis/${api.id}/revisions`, { description: 'one' });
  await manage('POST', `/api/am/publisher/v4/apis/${api.id}/deploy-revision?revisionId=${revision.id}`, [{ name: 'Default', vhost: 'localhost', displayOnDevportal: true }]);
  await manage('POST', `/api/am/publisher/v4/apis/change-lifecycle?action=Publish&apiId=${api.id}`);
  const app = await manage('POST', '/api/am/devportal/v3/applications', { name: 'third', throttlingPolicy: 'Unlimited' });
  await manage('POST', `/api/am/devportal/v3/applications/${app.applicationId}/map-keys`, {
    consumerKey: 'mapped', consumerSecret: 'mapped-secret', keyType: 'PRODUCTION', keyManager: 'Others',
  });
  await manage('POST', '/api/am/devportal/v3/subscriptions', { applicationId: app.applicationId, apiId: api.id, throttlingPolicy: 'Unlimited' });
  await until(200, () => token(issuer, 'mapped'));
});

await step('another client of the same issuer, another audience and a stranger with the same name are refused', async () => {
  assert([401, 403].includes(await call(await token(issuer, 'unmapped'))), 'a client that nobody mapped was let in');
  assert([401, 403].includes(await call(await token(issuer, 'mapped', 'https://elsewhere.example/'))), 'another audience was let in');
  const genuine = await token(issuer, 'mapped');
  const stranger = await crypto.subtle.importKey('jwk', await privateKey('first'), { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, ['sign']);
  const [head, body] = genuine.split('.');
  const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', stranger, new TextEncoder().encode(`${head}.${body}`));
  assert(await call(`${head}.${body}.${Buffer.from(signature).toString('base64url')}`) === 401, 'a stranger was let in');
});

await step('nobody registers a key manager that speaks in our name', async () => {
  for (const name of [env.issuer, `${env.base}/t/tenant1.com/oauth2/token`]) {
    await manage('POST', '/api/am/admin/v4/key-managers', { ...manager, name: 'Impostor', issuer: name }, [400]);
  }
});

await step('its tokens end with its registration', async () => {
  const genuine = await token(issuer, 'mapped');
  await manage('PUT', `/api/am/admin/v4/key-managers/${keyManager.id}`, { ...manager, enabled: false });
  await until(401, () => genuine);
  await manage('PUT', `/api/am/admin/v4/key-managers/${keyManager.id}`, manager);
  await until(200, () => genuine);
});

server.close();
upstream.close();
server.closeAllConnections();
upstream.closeAllConnections();
