// Every call of toxiproxy-node-client, and what comes of it on real connections.
"use strict";
const assert = require("node:assert/strict");
const net = require("node:net");
const { Toxiproxy } = require("toxiproxy-node-client");

const LIMIT = 20000;

// A connection that collects what comes: `got`, and how it ended: `end`.
function connect(proxy) {
  const at = proxy.listen.lastIndexOf(":");
  const [host, port] = [proxy.listen.slice(0, at), Number(proxy.listen.slice(at + 1))];
  return new Promise((resolve, reject) => {
    const client = net.connect({ host, port, noDelay: true, allowHalfOpen: true });
    client.got = Buffer.alloc(0);
    client.on("data", (data) => { client.got = Buffer.concat([client.got, data]); });
    client.on("end", () => { client.ended = client.ended ?? "end"; client.end(); });
    client.once("connect", () => {
      client.off("error", reject);
      client.on("error", (error) => { client.ended = error.code; });
      resolve(client);
    });
    client.once("error", reject);
  });
}

async function until(what, done) {
  const start = performance.now();
  while (!done()) {
    assert.ok(performance.now() - start < LIMIT, `never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

// How long an echo takes, in milliseconds.
async function echo(client, data = Buffer.from("ping")) {
  const start = performance.now();
  client.got = Buffer.alloc(0);
  client.write(data);
  await until("the echo", () => client.got.length >= data.length || client.ended);
  assert.deepEqual(client.got, data);
  return performance.now() - start;
}

async function fastest(client) {
  let fastest = Infinity;
  for (let n = 0; n < 3; n += 1) fastest = Math.min(fastest, await echo(client));
  return fastest;
}

async function through(proxy, data) {
  const client = await connect(proxy);
  const took = await echo(client, data);
  client.destroy();
  return took;
}

// What a connection gets for a message until it ends, how it ends, and after how long.
async function ending(proxy, message = "ping") {
  const client = await connect(proxy);
  const start = performance.now();
  client.write(message);
  await until("the end", () => client.ended);
  const took = performance.now() - start;
  client.destroy();
  return { got: client.got.toString(), end: client.ended, took };
}

async function main(api, upstream) {
  const server = new Toxiproxy(`http://${api}`);
  assert.equal(await server.getVersion(), '{"version": "2.12.0"}\n');
  for (const proxy of Object.values(await server.getAll())) await proxy.remove();
  assert.deepEqual(await server.getAll(), {});

  const body = { name: "echo", listen: "localhost:0", upstream };
  const proxy = await server.createProxy(body);
  assert.match(proxy.listen, /^127\.0\.0\.1:[1-9]/);
  assert.deepEqual(proxy.toJson(), { ...body, listen: proxy.listen, enabled: true });
  await assert.rejects(server.createProxy(body), /status code 409/);
  await assert.rejects(server.createProxy({ name: "x" }), /status code 400/);
  await assert.rejects(server.get("none"), /status code 404/);
  assert.deepEqual(Object.keys(await server.getAll()), ["echo"]);
  assert.deepEqual((await server.get("echo")).toJson(), proxy.toJson());

  let live = await connect(proxy);
  assert.ok((await fastest(live)) < 150);
  const latency = await proxy.addToxic({ type: "latency", attributes: { latency: 200, jitter: 0 } });
  const told = {
    name: "latency_downstream", type: "latency", stream: "downstream", toxicity: 1,
    attributes: { latency: 200, jitter: 0 },
  };
  assert.deepEqual(latency.toJson(), told);
  let took = await fastest(live);
  assert.ok(took >= 199 && took < 350, `${took}`);
  const slower = await latency.update({ attributes: { latency: 400 }, toxicity: 1 });
  assert.deepEqual(slower.toJson(), { ...told, attributes: { latency: 400, jitter: 0 } });
  assert.ok((await fastest(live)) >= 399);
  assert.deepEqual((await proxy.getToxic("latency_downstream")).toJson(), slower.toJson());
  await slower.remove();
  assert.ok((await fastest(live)) < 150);
  await assert.rejects(slower.remove(), /status code 404/);
  await assert.rejects(proxy.getToxic("latency_downstream"), /status code 404/);

  for (const wrong of [
    { type: "none" },
    { type: "noop", stream: "sideways" },
    { type: "latency", attributes: { latency: 1.5 } },
    { type: "bandwidth", attributes: { rate: -4 } },
    { type: "slicer", attributes: { average_size: 1, size_variation: 5 } },
  ]) await assert.rejects(proxy.addToxic(wrong), /status code 400/);

  let toxic = await proxy.addToxic({ type: "bandwidth", stream: "upstream", attributes: { rate: 100 } });
  assert.equal(toxic.name, "bandwidth_upstream");
  assert.ok((await through(proxy, Buffer.alloc(30000))) >= 250);
  toxic = await toxic.update({ attributes: { rate: 100000 } });
  await through(proxy, Buffer.alloc(30000));
  await toxic.remove();

  toxic = await proxy.addToxic({ type: "slow_close", attributes: { delay: 300 } });
  const closing = await connect(proxy);
  const start = performance.now();
  closing.end();
  await until("the end", () => closing.ended);
  assert.ok(performance.now() - start >= 299);
  await toxic.remove();

  toxic = await proxy.addToxic({ type: "timeout", attributes: { timeout: 300 } });
  let end = await ending(proxy);
  assert.deepEqual([end.got, end.end, end.took >= 299], ["", "end", true]);
  toxic = await toxic.update({ attributes: { timeout: 0 } });
  const held = await connect(proxy);
  held.write("ping");
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual([held.got.length, held.ended], [0, undefined]);
  await toxic.remove();
  await until("removing it closes its connections", () => held.ended);

  toxic = await proxy.addToxic({ type: "reset_peer", attributes: { timeout: 50 } });
  end = await ending(proxy);
  assert.deepEqual([end.got, end.end], ["", "ECONNRESET"]);
  await toxic.remove();

  const sizes = { average_size: 10, size_variation: 5, delay: 2000 };
  toxic = await proxy.addToxic({ type: "slicer", attributes: sizes });
  assert.deepEqual(toxic.attributes, sizes);
  assert.ok((await through(proxy, Buffer.alloc(256))) >= (2 * 256) / 15 - 2);
  await toxic.remove();

  toxic = await proxy.addToxic({ type: "limit_data", attributes: { bytes: 3 } });
  end = await ending(proxy);
  assert.deepEqual([end.got, end.end], ["pin", "end"]);
  await toxic.remove();

  await proxy.addToxic({ type: "noop", name: "nothing", toxicity: 0.5 });
  await proxy.addToxic({ type: "latency", toxicity: 0, attributes: { latency: 10000 } });
  await through(proxy);
  // It removes all toxics and enables all, and connections live on. (The timeout has closed the one before.)
  assert.equal(live.ended, "end");
  live = await connect(proxy);
  const off = await server.createProxy({ ...body, name: "off", enabled: false });
  assert.deepEqual([off.enabled, off.listen], [false, "localhost:0"]);
  await server.reset();
  await echo(live);
  await through(await server.get("off"));
  await assert.rejects(proxy.getToxic("nothing"), /status code 404/);

  assert.equal((await proxy.update({ enabled: false })).enabled, false);
  await until("connections are closed", () => live.ended);
  await assert.rejects(connect(proxy), { code: "ECONNREFUSED" });
  assert.deepEqual((await proxy.update({ enabled: true })).toJson(), proxy.toJson());
  await through(proxy);

  const populated = await server.populate([proxy.toJson(), { ...body, name: "second" }]);
  assert.deepEqual(Object.keys(populated), ["echo", "second"]);
  assert.deepEqual(populated.echo.toJson(), proxy.toJson());
  await through(populated.second);
  await assert.rejects(server.populate([{ name: "x" }]), /status code 400/);
  const moved = await populated.second.update({ listen: "127.0.0.1:0" });
  assert.notEqual(moved.listen, populated.second.listen);
  await through(moved);

  await proxy.remove();
  await assert.rejects(connect(proxy), { code: "ECONNREFUSED" });
  await assert.rejects(proxy.remove(), /status code 404/);
  for (const proxy of Object.values(await server.getAll())) await proxy.remove();
  assert.deepEqual(await server.getAll(), {});
}

main(...process.argv.slice(2)).then(
  () => { console.log("as with Toxiproxy"); process.exit(0); },
  (error) => { console.error(error); process.exit(1); },
);
