// npm oidc-provider as a place to sign in: discovery, code with PKCE, nonce, and an account linked by its subject.

import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';
import { Browser, assert, env, step } from './browser.mjs';

const SECRET = 'a secret+of&ours%';
const AUTHENTICATOR = 'T3BlbklEQ29ubmVjdEF1dGhlbnRpY2F0b3I';

async function privateKey() {
  const pair = await crypto.subtle.generateKey({ name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }, true, ['sign', 'verify']);
  return { ...(await crypto.subtle.exportKey('jwk', pair.privateKey)), kid: 'one', use: 'sig', alg: 'RS256', key_ops: undefined, ext: undefined };
}

/** Who signs in next over there. */
let subject = 'carol-1';

const probe = createServer();
await new Promise((done) => probe.listen(0, '127.0.0.1', done));
const port = probe.address().port;
await new Promise((done) => probe.close(done));
const issuer = `http://localhost:${port}`;
const provider = new Provider(issuer, {
  clients: [{ client_id: 'portcullis', client_secret: SECRET, redirect_uris: [`${env.base}/signin/callback`], response_types: ['code'], grant_types: ['authorization_code'] }],
  jwks: { keys: [await privateKey()] },
  cookies: { keys: ['for the time of this test'] },
  claims: { openid: ['sub'], profile: ['preferred_username', 'groups'], email: ['email', 'email_verified'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: async (ctx, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, preferred_username: 'carol', email: 'carol@company.example', email_verified: true, groups: ['staff'] }),
  }),
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope('openid profile email');
    await grant.save();
    return grant;
  },
});
provider.on('server_error', (ctx, error) => console.log(error));
const answer = provider.callback();
const server = createServer((request, response) => {
  if (request.url.startsWith('/interaction/')) provider.interactionFinished(request, response, { login: { accountId: subject } });
  else answer(request, response);
});
await new Promise((done) => server.listen(port, 'localhost', done));

async function manage(method, path, body) {
  const headers = { authorization: `Basic ${btoa(`${env.admin.name}:${env.admin.password}`)}`, 'content-type': 'application/json' };
  const response = await fetch(env.base + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  assert(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text && JSON.parse(text);
}

/** Goes through the provider with cookies of its own; the address at which it sends the browser back. */
async function through(location) {
  const cookies = new Map();
  let next = location;
  for (let hop = 0; hop < 10 && !next.startsWith(env.base); hop++) {
    const response = await fetch(next, { redirect: 'manual', headers: { cookie: [...cookies].map(([n, v]) => `${n}=${v}`).join('; ') } });
    for (const line of response.headers.getSetCookie()) {
      const pair = line.split(';')[0];
      cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    assert(response.headers.get('location'), `${next}: ${response.status} ${await response.text()}`);
    next = new URL(response.headers.get('location'), next).href;
  }
  return next;
}

async function link(browser) {
  const page = await browser.go('GET', '/signin');
  const found = page.text.match(/href="(\/signin\/provider[^"]*)"[^>]*>Continue with Elsewhere/);
  assert(found, page.text);
  return found[1].replaceAll('&#38;', '&').replaceAll('&amp;', '&');
}

async function signIn(browser) {
  const begun = await browser.go('GET', await link(browser));
  assert(begun.location?.startsWith(issuer), JSON.stringify(begun));
  return through(begun.location);
}

let id;

await step('a provider is found by discovery and offered', async () => {
  const properties = [{ key: 'ClientId', value: 'portcullis' }, { key: 'ClientSecret', value: SECRET }, { key: 'Scopes', value: 'profile email' }];
  const made = await manage('POST', '/api/server/v1/identity-providers', {
    name: 'Elsewhere', idpIssuerName: issuer, federatedAuthenticators: { authenticators: [{ authenticatorId: AUTHENTICATOR, isEnabled: true, properties }] },
  });
  id = made.id;
  assert(!JSON.stringify(made).includes(SECRET), 'the secret is shown');
  await manage('PUT', `/api/server/v1/identity-providers/${id}/claims`, { roleClaim: { uri: 'groups' } });
  await manage('PUT', `/api/server/v1/identity-providers/${id}/roles`, { mappings: [{ idpRole: 'staff', localRole: 'Internal/subscriber' }] });
});

await step('a person signs in there and has an account here', async () => {
  const browser = new Browser();
  const back = await browser.go('GET', await signIn(browser));
  assert(back.status === 303 && back.location === '/', JSON.stringify(back));
  const account = await browser.go('GET', '/account');
  assert(account.text.includes('ELSEWHERE/carol'), account.text);
});

await step('another subject of the same name and address is another person', async () => {
  subject = 'carol-2';
  const browser = new Browser();
  await browser.go('GET', await signIn(browser));
  const account = await browser.go('GET', '/account');
  assert(account.text.includes('ELSEWHERE/carol-2'), account.text);
});

await step('an answer for another browser, or one that was used, opens nothing', async () => {
  const [browser, thief] = [new Browser(), new Browser()];
  const back = await signIn(browser);
  assert((await thief.go('GET', back)).status === 422, 'a browser that began nothing was let in');
  await signIn(thief);
  assert((await thief.go('GET', back)).status === 422, 'a browser that began another sign-in was let in');
  assert((await browser.go('GET', back)).status === 303, 'the right browser was refused');
  assert((await browser.go('GET', back)).status === 422, 'an answer worked twice');
});

await step('a provider that is removed lets nobody in', async () => {
  const browser = new Browser();
  await browser.go('GET', await signIn(browser));
  await manage('DELETE', `/api/server/v1/identity-providers/${id}`);
  const account = await browser.go('GET', '/account');
  assert(account.status === 303 && account.location.startsWith('/signin'), JSON.stringify(account));
  assert(!(await browser.go('GET', '/signin')).text.includes('Elsewhere'), 'it is still offered');
});

server.close();
server.closeAllConnections();
