// Flows of npm oauth4webapi against a started server: the strictest reading of the specifications.

import * as oauth from 'oauth4webapi';
import { Browser, CALLBACK, assert, env, refused, register, step } from './browser.mjs';

const issuer = new URL(env.issuer);

for (const algorithm of ['oidc', 'oauth2']) {
  await step(`discovery by ${algorithm}`, async () => {
    const response = await oauth.discoveryRequest(issuer, { algorithm });
    const as = await oauth.processDiscoveryResponse(issuer, response);
    assert(as.authorization_response_iss_parameter_supported && as.code_challenge_methods_supported.includes('S256'), JSON.stringify(as));
  });
}

const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer));

async function registered(metadata = {}) {
  const { client_id, client_secret } = await register(metadata);
  return [{ client_id }, client_secret ? oauth.ClientSecretBasic(client_secret) : oauth.None()];
}

/** Code flow by hand: every check of the library is on. */
async function signIn(client, auth, { DPoP, prompt, maxAge, par } = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const request = new URLSearchParams({
    client_id: client.client_id, redirect_uri: CALLBACK, response_type: 'code', scope: 'openid email orders', state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  });
  if (prompt) request.set('prompt', prompt);
  if (maxAge !== undefined) request.set('max_age', maxAge);
  const url = new URL(as.authorization_endpoint);
  if (par) {
    const pushed = await oauth.processPushedAuthorizationResponse(as, client, await oauth.pushedAuthorizationRequest(as, client, auth, request, { DPoP }));
    url.searchParams.set('client_id', client.client_id);
    url.searchParams.set('request_uri', pushed.request_uri);
  } else {
    url.search = request.toString();
  }
  const back = await new Browser().follow(url, env.person);
  const validated = oauth.validateAuthResponse(as, client, back, state);
  const response = await oauth.authorizationCodeGrantRequest(as, client, auth, validated, CALLBACK, verifier, { DPoP });
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce, requireIdToken: true, maxAge });
  return { tokens, validated, verifier, response };
}

await step('code with PKCE; the ID token verifies with our JWKS', async () => {
  const [client, auth] = await registered();
  const { tokens, response } = await signIn(client, auth, { maxAge: 600 });
  await oauth.validateApplicationLevelSignature(as, response);
  const claims = oauth.getValidatedIdTokenClaims(tokens);
  const info = await oauth.processUserInfoResponse(as, client, claims.sub, await oauth.userInfoRequest(as, client, tokens.access_token));
  assert(info.sub === claims.sub, JSON.stringify(info));
});

await step('a code works once', async () => {
  const [client, auth] = await registered();
  const { tokens, validated, verifier } = await signIn(client, auth);
  const again = await oauth.authorizationCodeGrantRequest(as, client, auth, validated, CALLBACK, verifier);
  await refused(() => oauth.processAuthorizationCodeResponse(as, client, again), 'invalid_grant');
  const answer = await oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, tokens.access_token));
  assert(answer.active === false, 'the tokens of a code that was used twice live on');
});

await step('an access token has the profile of RFC 9068', async () => {
  const [client, auth] = await registered();
  const { tokens } = await signIn(client, auth);
  const request = new Request('https://api.example/', { headers: { authorization: `Bearer ${tokens.access_token}` } });
  const claims = await oauth.validateJwtAccessToken(as, request, client.client_id, { signingAlgorithms: ['RS256'] });
  assert(claims.client_id === client.client_id && claims.scope.includes('orders'), JSON.stringify(claims));
});

await step('DPoP with PAR; a resource server of the library accepts the bound token', async () => {
  const [client, auth] = await registered({ token_endpoint_auth_method: 'none', dpop_bound_access_tokens: true });
  // The library holds the proof to the algorithms of the token.
  const keys = await oauth.generateKeyPair('RS256');
  const DPoP = oauth.DPoP(client, keys);
  const { tokens } = await signIn(client, auth, { DPoP, par: true });
  let seen;
  const url = new URL('https://api.example/orders');
  await oauth.protectedResourceRequest(tokens.access_token, 'GET', url, undefined, undefined, {
    DPoP,
    [oauth.customFetch]: (target, options) => {
      seen = new Request(target, options);
      return new Response('{}', { status: 200 });
    },
  });
  const claims = await oauth.validateJwtAccessToken(as, seen, client.client_id, { requireDPoP: true, signingAlgorithms: ['RS256'] });
  assert(claims.cnf.jkt, JSON.stringify(claims));
});

await step('refresh and revocation', async () => {
  const [client, auth] = await registered();
  const { tokens } = await signIn(client, auth);
  const renewed = await oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token));
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, renewed.access_token));
  const after = await oauth.refreshTokenGrantRequest(as, client, auth, renewed.refresh_token);
  await refused(() => oauth.processRefreshTokenResponse(as, client, after), 'invalid_grant');
});

await step('client credentials with an audience', async () => {
  const [client, auth] = await registered();
  const request = new URLSearchParams({ resource: 'https://orders.example/' });
  const answer = await oauth.processClientCredentialsResponse(as, client, await oauth.clientCredentialsGrantRequest(as, client, auth, request));
  const bearer = new Request('https://orders.example/', { headers: { authorization: `Bearer ${answer.access_token}` } });
  await oauth.validateJwtAccessToken(as, bearer, 'https://orders.example/', { signingAlgorithms: ['RS256'] });
});

await step('device flow', async () => {
  const [client, auth] = await registered();
  const response = await oauth.deviceAuthorizationRequest(as, client, auth, new URLSearchParams({ scope: 'openid' }));
  const device = await oauth.processDeviceAuthorizationResponse(as, client, response);
  const early = await oauth.deviceCodeGrantRequest(as, client, auth, device.device_code);
  await refused(() => oauth.processDeviceCodeResponse(as, client, early), 'authorization_pending');
  await new Browser().follow(device.verification_uri_complete, env.person, 'deny');
  const denied = await oauth.deviceCodeGrantRequest(as, client, auth, device.device_code);
  await refused(() => oauth.processDeviceCodeResponse(as, client, denied), 'access_denied');
});
