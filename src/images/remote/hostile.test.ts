import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import { Operation } from "../../base/operation.ts";
import { digestOf } from "../../oci/digest.ts";
import { mediaTypes } from "../../oci/image.ts";
import type { PullOptions, TransferEvent } from "../images.ts";
import { descriptor, type Fixture, fixture } from "../testing/fixtures.ts";
import { type House, openHouse } from "../testing/house.ts";
import { type FakeRegistry, fakeRegistry, refuse } from "../testing/registries.ts";

const limits = { stall: 300, attempts: 3, retryDelay: 1, longestRetryDelay: 50 };
const make = (): Promise<Fixture> =>
  fixture([[["base", Buffer.alloc(300_000, "base")]], [["top", "t"]]], { mediaType: mediaTypes.dockerManifest });

const pull = (house: House, registry: FakeRegistry, options: PullOptions = {}) =>
  house.images.pull(house.op(), `${registry.host}/x:1`, options);

async function assertNothing(house: House): Promise<void> {
  assert.deepEqual(house.images.list(), []);
  assert.deepEqual(await house.blobs(), []);
  assert.deepEqual(house.snapshots.layers(), []);
}

type Misbehave = (request: IncomingMessage, response: ServerResponse, pass: () => void) => void;

/** What a registry does, where, and the error that a pull must end in. */
const cases: ReadonlyArray<readonly [string, "blobs" | "manifests" | "ping", Misbehave, string, RegExp]> = [
  ["sends nothing", "ping", () => {}, "deadline", /sent nothing for 0.3 seconds/],
  ["stalls before a manifest", "manifests", () => {}, "deadline", /sent nothing for 0.3 seconds/],
  [
    "stalls in a blob",
    "blobs",
    (_request, response, pass) => {
      response.end = ((bytes: Buffer) => {
        response.setHeader("content-length", bytes.length);
        response.write(bytes.subarray(0, bytes.length / 2));
        return response;
      }) as typeof response.end;
      pass();
    },
    "deadline",
    /sent nothing for 0.3 seconds/,
  ],
  [
    "sends a blob of another length",
    "blobs",
    (_, response) => void response.end("short"),
    "corrupt",
    /announces 5 bytes/,
  ],
  [
    "sends more than was announced",
    "blobs",
    (_, response) => {
      response.write(Buffer.alloc(400_000));
      response.end(Buffer.alloc(400_000));
    },
    "corrupt",
    /verification failed for digest/,
  ],
  [
    "sends other bytes",
    "blobs",
    (_request, response, pass) => {
      const end = response.end.bind(response);
      response.end = ((bytes: Buffer) => end(Buffer.alloc(bytes.length, "z"))) as typeof response.end;
      pass();
    },
    "corrupt",
    /^error pulling image configuration: image config verification failed for digest sha256:/,
  ],
  [
    "sends other bytes for a layer",
    "blobs",
    (_request, response, pass) => {
      const end = response.end.bind(response);
      response.end = ((bytes: Buffer) =>
        end(bytes.length > 100_000 ? Buffer.alloc(bytes.length) : bytes)) as typeof end;
      pass();
    },
    "corrupt",
    /^filesystem layer verification failed for digest sha256:/,
  ],
  [
    "has a manifest that its config contradicts",
    "manifests",
    (_request, response, pass) => {
      const end = response.end.bind(response);
      response.end = ((bytes: Buffer) => {
        const manifest = JSON.parse(bytes.toString());
        return end(JSON.stringify({ ...manifest, layers: manifest.layers.slice(1) }));
      }) as typeof response.end;
      pass();
    },
    "corrupt",
    /^layers from manifest don't match image configuration$/,
  ],
  [
    "closes midway every time",
    "blobs",
    (_request, response, pass) => {
      response.end = ((bytes: Buffer) => {
        response.setHeader("content-length", bytes.length);
        response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
        return response;
      }) as typeof response.end;
      pass();
    },
    "unavailable",
    /unexpected EOF/,
  ],
  [
    "answers 500",
    "manifests",
    (_, r) => void Object.assign(r, { statusCode: 500 }).end("oops"),
    "unavailable",
    /500 Internal/,
  ],
  ["answers 429", "blobs", (_, r) => refuse(r, 429, "TOOMANYREQUESTS"), "unavailable", /^toomanyrequests: /],
  ["sends no JSON", "manifests", (_, r) => void r.end("<html>"), "corrupt", /invalid manifest/],
  ["sends an endless manifest", "manifests", (_, r) => endless(r), "corrupt", /larger than 4194304 bytes/],
  [
    "lies about the digest of a manifest",
    "manifests",
    (_request, response, pass) => {
      response.setHeader("docker-content-digest", digestOf("something else"));
      pass();
    },
    "corrupt",
    /manifest verification failed for digest/,
  ],
  [
    "redirects for ever",
    "blobs",
    (request, r) => void r.writeHead(307, { location: `${request.url}?again` }).end(),
    "unavailable",
    /stopped after 10 redirects/,
  ],
  [
    "redirects to a file",
    "blobs",
    (_, r) => void r.writeHead(302, { location: "file:///etc/passwd" }).end(),
    "unavailable",
    /no URL of http/,
  ],
  [
    "asks for a login for ever",
    "manifests",
    (_, r) => unauthorized(r, 'Bearer realm="TOKEN"'),
    "unauthorized",
    /^unauthorized/,
  ],
  ["asks for a login without saying how", "manifests", (_, r) => unauthorized(r, ""), "unauthorized", /^unauthorized/],
  [
    "denies",
    "manifests",
    (_, r) => refuse(r, 403, "DENIED"),
    "forbidden",
    /^pull access denied for .*, repository does not exist or may require 'docker login': denied/,
  ],
  [
    "has a schema 1 image",
    "manifests",
    (_, r) => void r.end('{"schemaVersion":1,"name":"x","tag":"1","fsLayers":[]}'),
    "notImplemented",
    /schema 1 support has been removed/,
  ],
  [
    "has something that is no image",
    "manifests",
    (_, r) => {
      const config = descriptor("application/vnd.cncf.helm.config.v1+json", Buffer.from("{}"));
      r.end(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [] }));
    },
    "invalid",
    /^unsupported media type application\/vnd.cncf.helm.config.v1\+json$/,
  ],
  [
    "has a layer that lies elsewhere",
    "manifests",
    (_, r) => {
      const config = descriptor(mediaTypes.ociConfig, Buffer.from("{}"));
      const layer = descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Buffer.from("x"));
      r.end(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] }));
    },
    "notImplemented",
    /outside the registry/,
  ],
  [
    "has no image for this platform",
    "manifests",
    (_, r) => {
      const entry = {
        ...descriptor(mediaTypes.ociManifest, Buffer.from("{}")),
        platform: { os: "plan9", architecture: "x" },
      };
      r.end(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [entry] }));
    },
    "notFound",
    /^no matching manifest for linux\/\w+ in the manifest list entries$/,
  ],
];

function endless(response: ServerResponse): void {
  const more = (): void => {
    while (!response.destroyed && response.write(Buffer.alloc(65_536, 32)));
  };
  response.on("drain", more);
  more();
}

function unauthorized(response: ServerResponse, challenge: string): void {
  const host = response.req.headers.host;
  if (challenge !== "") response.setHeader("www-authenticate", challenge.replace("TOKEN", `http://${host}/token`));
  refuse(response, 401, "UNAUTHORIZED");
}

test("a registry that misbehaves is a clear error in bounded time, and leaves nothing", async (t) => {
  await using house = await openHouse({ limits });
  const image = await make();
  for (const [what, where, misbehave, kind, message] of cases) {
    await t.test(what, async () => {
      await using registry = await fakeRegistry(image);
      registry.on("/token", (_, response) => void response.end('{"token":"t"}'));
      registry.on(where === "ping" ? "/v2/" : `/v2/x/${where}/`, misbehave);
      await assert.rejects(pull(house, registry), (error: { kind: string; message: string }) => {
        assert.match(error.kind ?? String(error), new RegExp(`^(${kind})$`));
        assert.match(error.message, message);
        return true;
      });
      await assertNothing(house);
    });
  }
});

test("what goes wrong once is tried again", async () => {
  await using house = await openHouse({ limits });
  const image = await make();
  await using registry = await fakeRegistry(image);
  const seen = new Set<string>();
  const first = (request: IncomingMessage): boolean => !seen.has(request.url!) && seen.add(request.url!) !== undefined;
  const events: TransferEvent[] = [];
  registry.on("/v2/x/manifests/", (request, response, pass) => {
    if (!first(request)) return pass();
    response.setHeader("retry-after", "0");
    refuse(response, 429, "TOOMANYREQUESTS");
  });
  registry.on("/v2/x/blobs/", (request, response, pass) => (first(request) ? response.destroy() : pass()));
  const pulled = await pull(house, registry, { onProgress: (event) => events.push(event) });
  assert.equal(pulled.id, image.id);
  assert.ok(events.some(({ status }) => status.startsWith("Retrying in")));
});

test("an aborted pull ends at once", async () => {
  await using house = await openHouse({ limits: { ...limits, stall: 60_000 } });
  await using registry = await fakeRegistry(await make());
  const stop = new AbortController();
  registry.on("/v2/x/blobs/", () => stop.abort());
  await assert.rejects(house.images.pull(new Operation("pull", stop.signal), `${registry.host}/x:1`, {}), {
    kind: "cancelled",
  });
  await assertNothing(house);
});

test("tokens: anonymous, with a password, with an identity token, and a token that is given", async () => {
  await using house = await openHouse({ limits });
  const image = await make();
  await using registry = await fakeRegistry(image);
  let asked = "";
  registry.on("/token", async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    asked = `${request.method} ${request.url} ${request.headers.authorization ?? "-"} ${body}`;
    response.end(request.method === "POST" ? '{"access_token":"good"}' : '{"token":"good"}');
  });
  registry.on("/v2/", (request, response, pass) => {
    if (request.headers.authorization === "Bearer good") return pass();
    unauthorized(response, 'Bearer realm="TOKEN",service="a, \\"b\\"",scope="repository:x:pull"');
  });
  const query = "/token?service=a%2C+%22b%22&scope=repository%3Ax%3Apull";
  for (const [credentials, expected] of [
    [undefined, `GET ${query} - `],
    [{ username: "u", password: "p" }, `GET ${query}&account=u Basic ${btoa("u:p")} `],
    [
      { identityToken: "id" },
      "POST /token - grant_type=refresh_token&refresh_token=id&service=a%2C+%22b%22&scope=repository%3Ax%3Apull&client_id=keelson",
    ],
    [{ registryToken: "good" }, ""],
  ] as const) {
    asked = "";
    assert.equal((await pull(house, registry, { credentials })).id, image.id);
    assert.equal(asked, expected);
    await house.images.remove(house.op(), `${registry.host}/x:1`, {});
  }
});

test("credentials do not follow a redirect to another host", async () => {
  await using house = await openHouse({ limits });
  const image = await make();
  await using storage = await fakeRegistry(image);
  await using registry = await fakeRegistry(image);
  registry.on("/v2/", (request, response, pass) => {
    if (!request.headers.authorization) return unauthorized(response, "Basic realm=x");
    if (!request.url!.includes("/blobs/")) return pass();
    response.writeHead(307, { location: `${storage.url}${request.url}` }).end();
  });
  await pull(house, registry, { credentials: { username: "u", password: "p" } });
  assert.equal(storage.requests.length, 3);
  assert.deepEqual(
    storage.received.map(({ headers }) => headers.authorization),
    [undefined, undefined, undefined],
  );
});

test("every tag of several pages is pulled", async () => {
  await using house = await openHouse({ limits });
  const image = await make();
  await using registry = await fakeRegistry(image);
  registry.on("/v2/x/tags/list", (request, response) => {
    const isFirst = !request.url!.includes("last=");
    if (isFirst) response.setHeader("link", '</v2/x/tags/list?last=1>; rel="next"');
    response.end(JSON.stringify({ tags: [isFirst ? "1" : "2"] }));
  });
  registry.on("/v2/x/manifests/", (request, _response, pass) => {
    request.url = "/v2/x/manifests/1";
    pass();
  });
  const pulled = await house.images.pull(house.op(), `${registry.host}/x`, { allTags: true });
  assert.deepEqual(pulled.tags, [`${registry.host}/x:1`, `${registry.host}/x:2`]);
});
