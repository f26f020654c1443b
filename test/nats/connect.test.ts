import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectBroker, withoutLogin } from "../../src/nats/connect.ts";
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
