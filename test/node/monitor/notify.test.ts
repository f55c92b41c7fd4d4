import { expect, test } from 'vitest';

import { LimmatError } from '../../../src/errors.ts';
import type { Hook } from '../../../src/node/monitor/hook.ts';
import { createNotifier } from '../../../src/node/monitor/notify.ts';

/** A hook that fails as often as is said. */
class TestHook implements Hook {
  readonly name: string;
  readonly got: string[] = [];
  failures: number;
  tries = 0;

  constructor(name: string, failures = 0) {
    this.name = name;
    this.failures = failures;
  }

  deliver(message: string): Promise<void> {
    this.tries++;
    if (this.failures > 0) {
      this.failures--;
      return Promise.reject(new LimmatError('hook-failed', `${this.name} is down`));
    }
    this.got.push(message);
    return Promise.resolve();
  }
}

/** A notifier whose clock only moves when it sleeps, or when it is told. */
function notifierTo(...hooks: readonly Hook[]) {
  const world = { millis: 0, slept: [] as number[], failed: [] as string[] };
  const notify = createNotifier({
    hooks,
    monotonicMillis: () => world.millis,
    sleep: (millis) => {
      world.slept.push(millis);
      world.millis += millis;
      return Promise.resolve();
    },
    random: () => 0.5,
    onFailed: (hook, error) => world.failed.push(`${hook.name}: ${error.message}`),
  });
  return { world, notify };
}

const message = (id: string) => ({ id, text: `{"id":"${id}"}` });

test('every hook gets every message', async () => {
  const hooks = [new TestHook('a'), new TestHook('b')];
  const { notify, world } = notifierTo(...hooks);
  await notify(message('1'));
  await notify(message('2'));
  for (const { got } of hooks) expect(got).toEqual(['{"id":"1"}', '{"id":"2"}']);
  expect(world.slept).toEqual([]);
});

test('a hook that fails twice is tried a third time, after pauses', async () => {
  const hook = new TestHook('a', 2);
  const { notify, world } = notifierTo(hook);
  await notify(message('1'));
  expect(hook.got).toEqual(['{"id":"1"}']);
  expect(world.slept).toEqual([1_000, 4_000]);
  expect(world.failed).toEqual([]);
});

test('a hook that keeps failing rests, longer each time, and the message can be sent again', async () => {
  const hook = new TestHook('a', 6);
  const { notify, world } = notifierTo(hook);
  await expect(notify(message('1'))).rejects.toMatchObject({ code: 'hook-failed', message: 'a is down' });
  expect(hook.tries).toBe(3);
  await expect(notify(message('1'))).rejects.toThrow(/tried again in 30 s/);
  expect(hook.tries).toBe(3);
  world.millis += 30_000;
  await expect(notify(message('1'))).rejects.toThrow('a is down');
  expect(hook.tries).toBe(6);
  world.millis += 59_000;
  await expect(notify(message('1'))).rejects.toThrow(/tried again in 1 s/);
  world.millis += 1_000;
  await notify(message('1'));
  expect(hook.got).toEqual(['{"id":"1"}']);
  expect(world.failed).toEqual(['a: a is down', 'a: a is down']);
});

test('a hook that took a message is not sent it again because another one failed', async () => {
  const good = new TestHook('good');
  const bad = new TestHook('bad', 3);
  const { notify, world } = notifierTo(good, bad);
  await expect(notify(message('1'))).rejects.toThrow('bad is down');
  world.millis += 60_000;
  await notify(message('1'));
  expect(good.got).toEqual(['{"id":"1"}']);
  expect(bad.got).toEqual(['{"id":"1"}']);
});

test('an abort ends the tries, and is not held against the hook', async () => {
  const hook = new TestHook('a', 9);
  const { notify, world } = notifierTo(hook);
  await expect(notify(message('1'), AbortSignal.abort())).rejects.toThrow('a is down');
  expect(hook.tries).toBe(1);
  expect(world.failed).toEqual([]);
  hook.failures = 0;
  await notify(message('1'));
  expect(hook.got).toEqual(['{"id":"1"}']);
});

test('without hooks nothing fails', async () => {
  const { notify } = notifierTo();
  await notify(message('1'));
});
