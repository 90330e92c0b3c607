// A browser without scripts: cookies, forms, redirects. It stops in front of the client's own address.

const BASE = process.env.PORTCULLIS_BASE;

export class Browser {
  cookies = new Map();

  async go(method, url, form) {
    const headers = { cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
    if (form) {
      headers['content-type'] = 'application/x-www-form-urlencoded';
      headers.origin = BASE;
      headers['sec-fetch-site'] = 'same-origin';
    }
    const response = await fetch(new URL(url, BASE), { method, headers, body: form && new URLSearchParams(form), redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(';');
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      const names = attributes.map((a) => a.trim().toLowerCase());
      for (const wanted of ['secure', 'httponly', 'path=/']) {
        if (!names.includes(wanted)) throw new Error(`the cookie ${name} has no ${wanted}`);
      }
      if (names.includes('max-age=0')) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return { status: response.status, location: response.headers.get('location'), text: await response.text() };
  }

  /** Follows the server's own redirects and pages; signs in and decides where it is asked to. Returns the client's address. */
  async follow(url, person, decision = 'allow') {
    let next = { method: 'GET', url: url.toString() };
    for (let step = 0; step < 15; step++) {
      if (!new URL(next.url, BASE).href.startsWith(`${BASE}/`)) return new URL(next.url);
      const page = await this.go(next.method, next.url, next.form);
      if (page.location) {
        next = { method: 'GET', url: new URL(page.location, new URL(next.url, BASE)).href };
        continue;
      }
      if (page.status !== 200) throw new Error(`${next.method} ${next.url}: ${page.status} ${page.text.slice(0, 2000)}`);
      const onward = page.text.match(/http-equiv="refresh" content="0; url=([^"]*)"/);
      if (onward) {
        next = { method: 'GET', url: decode(onward[1]) };
        continue;
      }
      const form = Object.fromEntries([...page.text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, n, v]) => [n, decode(v)]));
      const action = page.text.match(/<form[^>]* action="([^"]*)"/)?.[1];
      if (action === '/signin') Object.assign(form, { name: person.name, password: person.password });
      else if (action === '/oauth2/consent' || action === '/device') form.decision = decision;
      else if (action !== '/oidc/logout/confirm') return { page };
      next = { method: 'POST', url: decode(action), form };
      if (action === '/device') {
        const done = await this.go(next.method, next.url, form);
        return { page: done };
      }
    }
    throw new Error('the redirects do not end');
  }
}

function decode(text) {
  return text.replace(/&#(\d+);/g, (_, n) => String.fromCodePoint(Number(n)))
    .replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

export const env = {
  base: BASE,
  issuer: process.env.PORTCULLIS_ISSUER,
  person: { name: process.env.PORTCULLIS_USER, password: process.env.PORTCULLIS_USER_PASSWORD },
  admin: { name: process.env.PORTCULLIS_ADMIN, password: process.env.PORTCULLIS_ADMIN_PASSWORD },
};

export const CALLBACK = 'https://client.example/callback';

/** Registers a client as the administrator (RFC 7591). */
export async function register(metadata) {
  const body = {
    client_name: `judge ${Math.random()}`,
    redirect_uris: [CALLBACK],
    post_logout_redirect_uris: ['https://client.example/bye'],
    grant_types: [
      'authorization_code', 'refresh_token', 'client_credentials',
      'urn:ietf:params:oauth:grant-type:device_code', 'urn:ietf:params:oauth:grant-type:token-exchange',
    ],
    ...metadata,
  };
  const response = await fetch(`${BASE}/api/identity/oauth2/dcr/v1.1/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Basic ${btoa(`${env.admin.name}:${env.admin.password}`)}` },
    body: JSON.stringify(body),
  });
  if (response.status !== 201) throw new Error(`registration: ${response.status} ${await response.text()}`);
  return response.json();
}

let passed = 0;
export async function step(name, run) {
  try {
    await run();
    passed += 1;
    console.log(`ok ${name}`);
  } catch (error) {
    console.log(`FAILED ${name}: ${error.stack ?? error}${error.cause ? ` cause: ${JSON.stringify(error.cause)}` : ''}`);
    process.exitCode = 1;
  }
}
process.on('exit', () => console.log(`${passed} steps passed`));

export function assert(condition, text) {
  if (!condition) throw new Error(text);
}

/** Runs something that must be refused with an OAuth error code. */
export async function refused(run, code) {
  let answer;
  try {
    answer = await run();
  } catch (error) {
    const found = error.error ?? error.cause?.error ?? error.cause?.[0]?.parameters?.error;
    assert(found === code, `refused with ${found}, not ${code}: ${error}`);
    return;
  }
  throw new Error(`not refused: ${JSON.stringify(answer)}`);
}
