import assert from "node:assert/strict";
import bcrypt from "bcryptjs";
import { AppError } from "../../../src/errors.ts";
import { BcryptThread } from "../../../src/system/bcrypt.ts";

/** Counts how often the event loop comes round while a task runs. */
async function turnsDuring(task: Promise<unknown>): Promise<number> {
  let running = true;
  const done = task.finally(() => running = false);
  let turns = 0;
  while (running) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    turns++;
  }
  await done;
  return turns;
}

const isUnavailable = (error: unknown): boolean =>
  error instanceof AppError && error.code === "unavailable";

/** A thread that fails at its first message, in the way that is given. */
function failing(statement: string): URL {
  const source = `self.onmessage = () => { ${statement} };`;
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}

Deno.test("hash() makes a bcrypt hash of cost 10", async () => {
  using thread = new BcryptThread();
  const hash = await thread.hash("secret");
  assert.match(hash, /^\$2b\$10\$/);
  assert.equal(await bcrypt.compare("secret", hash), true);
});

Deno.test("verify() tells the password of a hash from others", async () => {
  using thread = new BcryptThread();
  const hash = await bcrypt.hash("secret", 4);
  assert.equal(await thread.verify("secret", hash), true);
  assert.equal(await thread.verify("Secret", hash), false);
});

Deno.test("hash() answers each of several requests with its own hash", async () => {
  using thread = new BcryptThread();
  const passwords = ["a", "b", "c"];
  const hashes = await Promise.all(passwords.map((each) => thread.hash(each)));
  for (const [index, password] of passwords.entries()) {
    assert.equal(await bcrypt.compare(password, hashes[index]!), true);
  }
});

Deno.test("hash() leaves the event loop to others", async () => {
  using thread = new BcryptThread();
  await thread.hash("start it");
  const onThread = await turnsDuring(thread.hash("secret"));
  const here = await turnsDuring(bcrypt.hash("secret", 10));
  assert.equal(
    onThread > 10 && onThread > 5 * here,
    true,
    `${onThread} ${here}`,
  );
});

Deno.test("hash() throws unavailable if the thread dies, and starts another one", async () => {
  using thread = new BcryptThread(failing("throw new Error('dead')"));
  await assert.rejects(thread.hash("secret"), isUnavailable);
  // The same again, so it was started again.
  await assert.rejects(thread.hash("secret"), isUnavailable);
});

Deno.test("hash() throws unavailable if there is no such program", async () => {
  using thread = new BcryptThread(new URL("./missing.ts", import.meta.url));
  await assert.rejects(thread.hash("secret"), isUnavailable);
});

Deno.test("hash() throws unavailable if the thread is stopped meanwhile", async () => {
  const thread = new BcryptThread(failing(""));
  const waiting = assert.rejects(thread.hash("secret"), isUnavailable);
  thread[Symbol.dispose]();
  await waiting;
});

Deno.test("the thread has no permissions", async () => {
  const report =
    "Deno.permissions.query({ name: 'read' }).then(({ state }) => " +
    "self.postMessage({ id: 1, hash: state }))";
  using thread = new BcryptThread(failing(report));
  assert.equal(await thread.hash("secret"), "prompt");
});
