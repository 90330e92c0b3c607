// Flows of npm openid-client against a started server.

import * as client from 'openid-client';
import { Browser, CALLBACK, assert, env, refused, register, step } from './browser.mjs';

const server = new URL(env.issuer);

async function discovered(metadata, authentication) {
  const registered = await register(metadata ?? {});
  const auth = authentication?.(registered) ?? client.ClientSecretBasic(registered.client_secret);
  return client.discovery(server, registered.client_id, undefined, auth);
}

async function parameters(extra = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const request = {
    redirect_uri: CALLBACK, scope: 'openid profile orders', state, nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', ...extra,
  };
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
  return { request, checks };
}

async function signIn(config, { extra, push, options, browser = new Browser() } = {}) {
  const { request, checks } = await parameters(extra);
  const url = push
    ? await client.buildAuthorizationUrlWithPAR(config, request, options)
    : client.buildAuthorizationUrl(config, request);
  const back = await browser.follow(url, env.person);
  return client.authorizationCodeGrant(config, back, checks, undefined, options);
}

await step('code with PKCE, ID token, userinfo, client_secret_basic', async () => {
  const config = await discovered();
  const tokens = await signIn(config);
  const claims = tokens.claims();
  assert(claims.sub === `${env.person.name}@carbon.super`, JSON.stringify(claims));
  assert(claims.auth_time && claims.amr.includes('pwd'), JSON.stringify(claims));
  const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  assert(info.sub === claims.sub, JSON.stringify(info));
});

await step('client_secret_post', async () => {
  const config = await discovered({ token_endpoint_auth_method: 'client_secret_post' }, (r) => client.ClientSecretPost(r.client_secret));
  assert((await client.clientCredentialsGrant(config)).access_token, 'no token');
});

for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA']) {
  await step(`private_key_jwt with ${alg}`, async () => {
    const pair = await client.randomDPoPKeyPair(alg === 'EdDSA' ? 'Ed25519' : alg);
    const jwk = { ...(await crypto.subtle.exportKey('jwk', pair.publicKey)), alg };
    delete jwk.key_ops;
    delete jwk.ext;
    const config = await discovered(
      { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } },
      () => client.PrivateKeyJwt(pair.privateKey, { [client.modifyAssertion]: (header) => { header.alg = alg; } }),
    );
    assert((await client.clientCredentialsGrant(config)).access_token, 'no token');
  });
}

await step('public client', async () => {
  const config = await discovered({ token_endpoint_auth_method: 'none' }, () => client.None());
  assert((await signIn(config)).access_token, 'no token');
  await refused(() => client.clientCredentialsGrant(config), 'unauthorized_client');
});

await step('pushed authorization request', async () => {
  const config = await discovered({ require_pushed_authorization_requests: true });
  assert((await signIn(config, { push: true })).access_token, 'no token');
});

await step('refusal of the person reaches the client with iss', async () => {
  const config = await discovered();
  const { request, checks } = await parameters();
  const back = await new Browser().follow(client.buildAuthorizationUrl(config, request), env.person, 'deny');
  await refused(() => client.authorizationCodeGrant(config, back, checks), 'access_denied');
});

await step('refresh with rotation, and reuse ends the family', async () => {
  const config = await discovered();
  const first = await signIn(config);
  const second = await client.refreshTokenGrant(config, first.refresh_token);
  assert(second.refresh_token !== first.refresh_token, 'not rotated');
  await refused(() => client.refreshTokenGrant(config, first.refresh_token), 'invalid_grant');
  const third = await client.refreshTokenGrant(config, second.refresh_token);
  await new Promise((done) => setTimeout(done, 2500));
  await refused(() => client.refreshTokenGrant(config, first.refresh_token), 'invalid_grant');
  await refused(() => client.refreshTokenGrant(config, third.refresh_token), 'invalid_grant');
});

await step('DPoP: code, userinfo, refresh', async () => {
  const registered = await register({ token_endpoint_auth_method: 'none', dpop_bound_access_tokens: true });
  const config = await client.discovery(server, registered.client_id, undefined, client.None());
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
  const tokens = await signIn(config, { options: { DPoP }, push: true });
  assert(tokens.token_type === 'dpop', tokens.token_type);
  const info = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP });
  assert(info.sub, 'no userinfo');
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
  assert(renewed.token_type === 'dpop', renewed.token_type);
  const stranger = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'));
  await refused(() => client.refreshTokenGrant(config, renewed.refresh_token, undefined, { DPoP: stranger }), 'invalid_grant');
});

await step('device flow', async () => {
  const config = await discovered();
  const device = await client.initiateDeviceAuthorization(config, { scope: 'openid orders' });
  const { page } = await new Browser().follow(device.verification_uri_complete, env.person);
  assert(page.status === 200 && page.text.includes('connected'), page.text);
  const tokens = await client.pollDeviceAuthorizationGrant(config, device);
  assert(tokens.access_token && tokens.claims().sub, 'no tokens');
});

await step('token exchange, narrower and never for another audience', async () => {
  const config = await discovered();
  const tokens = await signIn(config);
  const exchange = (more) => client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
    subject_token: tokens.access_token, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token', scope: 'orders', ...more,
  });
  const exchanged = await exchange({});
  assert(exchanged.scope === 'orders' && exchanged.issued_token_type, JSON.stringify(exchanged));
  await refused(() => exchange({ resource: 'https://orders.example/' }), 'invalid_target');
});

await step('introspection and revocation', async () => {
  const config = await discovered();
  const tokens = await signIn(config);
  assert((await client.tokenIntrospection(config, tokens.access_token)).active === true, 'not active');
  await client.tokenRevocation(config, tokens.refresh_token);
  assert((await client.tokenIntrospection(config, tokens.access_token)).active === false, 'still active');
  await refused(() => client.refreshTokenGrant(config, tokens.refresh_token), 'invalid_grant');
});

await step('sign-out', async () => {
  const config = await discovered();
  const browser = new Browser();
  const tokens = await signIn(config, { browser });
  assert(browser.cookies.has('__Host-portcullis-session'), 'no session');
  const url = client.buildEndSessionUrl(config, { post_logout_redirect_uri: 'https://client.example/bye', id_token_hint: tokens.id_token, state: 'x' });
  const back = await browser.follow(url, env.person);
  assert(back.href === 'https://client.example/bye?state=x', back.href);
  assert(!browser.cookies.has('__Host-portcullis-session'), 'the session is still there');
  const again = await parameters({ prompt: 'none' });
  const silent = await browser.follow(client.buildAuthorizationUrl(config, again.request), env.person);
  await refused(() => client.authorizationCodeGrant(config, silent, again.checks), 'login_required');
});
