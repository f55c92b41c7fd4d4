// The package's index in a context that has what every browser and worker has, and nothing of Node's.

import { createContext, runInContext } from 'node:vm';

import { describe, expect, test } from 'vitest';

import * as limmat from '../src/index.ts';
import { browserBundle, browserJob, EXPECTED_VERDICTS } from './support/browser-bundle.ts';
import type { BrowserAnswers } from './support/browser-entry.ts';

/** Of Node's globals those that are Web APIs, and of these those that verifying and following may use. */
const WEB = {
  AbortController,
  AbortSignal,
  Headers,
  Request,
  Response,
  TextDecoder,
  TextEncoder,
  URL,
  atob,
  btoa,
  clearTimeout,
  crypto,
  fetch,
  performance,
  setTimeout,
};

describe('src/index.ts in a browser', () => {
  test('is bundled without a module of Node’s, and judges as in Node', { timeout: 60_000 }, async () => {
    const { script, files } = await browserBundle();
    expect(files).toContain('src/index.ts');
    const outside = files.filter(
      (file) => !/^(?:src|node_modules\/@noble|test\/support\/browser-entry\.ts)/.test(file),
    );
    expect(outside).toEqual([]);
    expect(files.filter((file) => /^src\/(?:log|node|adapters|monitor|mirror|witness)/.test(file))).toEqual([]);
    const context = createContext({ ...WEB });
    runInContext(script, context, { filename: 'limmat-browser.js' });
    expect(runInContext('typeof process + typeof Buffer + typeof require', context)).toBe('undefined'.repeat(3));
    const answer: unknown = await runInContext(
      `verifier.check(${JSON.stringify(await browserJob())}).then(JSON.stringify)`,
      context,
    );
    const { verdicts, names, witnesses }: BrowserAnswers = JSON.parse(String(answer));
    expect(verdicts).toEqual(EXPECTED_VERDICTS);
    expect(witnesses).toEqual(['A', 'B']);
    expect(names.toSorted()).toEqual(Object.keys(limmat).toSorted());
  });

  test('asks for nothing while it is loaded: a context without a single Web API will do', async () => {
    const { script } = await browserBundle();
    const bare = createContext({ TextDecoder, TextEncoder });
    runInContext(script, bare);
    expect(runInContext('typeof verifier.check', bare)).toBe('function');
  });
});
