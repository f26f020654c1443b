import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeConnection, connectBroker, withoutLogin } from "../../src/nats/connect.ts";
import { TestServer } from "../support/nats-server.ts";

const PASSWORD = "p@ss:w%rd,";
/** As a URL has it. */
const WRITTEN = encodeURIComponent(PASSWORD);

describe("who logs in stands in the URL", () => {
  let named: TestServer;
  let tokened: TestServer;
  beforeAll(async () => {
    const users = `users = [{ user: engine, password: "${PASSWORD}" }]`;
    named = await TestServer.start({ config: `authorization { ${users} }` });
    tokened = await TestServer.start({ config: `authorization { token: "${PASSWORD}" }` });
  });
  afterAll(async () => {
    await named?.stop();
    await tokened?.stop();
  });
  const at = ({ port }: TestServer, login: string) => `nats://${login}127.0.0.1:${port}`;
  const greeted = async (url: string, token?: string): Promise<number | undefined> => {
    const nc = await connectBroker({ url, token }, "test");
    try {
      return nc.info?.port;
    } finally {
      await nc.close();
    }
  };

  test("by name and password, or by a token", async () => {
    expect(await greeted(at(named, `engine:${WRITTEN}@`))).toBe(named.port);
    expect(await greeted(at(tokened, `${WRITTEN}@`))).toBe(tokened.port);
    expect(await greeted(at(tokened, ""), PASSWORD)).toBe(tokened.port);
  });

  test("and in no error", async () => {
    const wrong = connectBroker({ url: at(named, "engine:secret-but-wrong@") }, "test");
    const error = await wrong.catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "BROKER_UNREACHABLE" });
    expect(JSON.stringify(error) + String(error)).not.toContain("secret-but-wrong");
  });
});

test.each`
  url                                       | shown
  ${"nats://broker:4222"}                   | ${"nats://broker:4222"}
  ${"broker"}                               | ${"broker"}
  ${"nats://engine:secret@broker:4222"}     | ${"nats://broker:4222"}
  ${"tls://secret@a:1,nats://u:s@b:2, c:3"} | ${"tls://a:1,nats://b:2,c:3"}
  ${"engine:secret@[::1]:4222"}             | ${"[::1]:4222"}
`("of $url is shown $shown", ({ url, shown }) => {
  expect(withoutLogin(url)).toBe(shown);
});

test("a connection that is closed just as its broker goes leaves no failure that nobody hears", async () => {
  const server = await TestServer.start();
  const nc = await connectBroker({ url: server.url }, "test");
  // The client tells of a broker that went a turn later; until then it writes to a socket that was ended.
  const { socket } = (nc as unknown as { protocol: { transport: { socket: Socket } } }).protocol
    .transport;
  const subscription = nc.subscribe("anything");
  await nc.flush();
  const unheard: unknown[] = [];
  const hear = (error: unknown) => unheard.push(error);
  process.on("uncaughtException", hear);
  const end = socket.end.bind(socket);
  const closed = new Promise<void>((resolve, reject) => {
    socket.end = () => {
      end();
      subscription.unsubscribe();
      Promise.resolve()
        .then(() => closeConnection(nc))
        .then(resolve, reject);
      return socket;
    };
  });
  await server.down();
  await closed;
  await sleep(100);
  process.off("uncaughtException", hear);
  await server.stop();
  expect(unheard).toEqual([]);
});
