// `npm run test:browser`: the package's verifier in Chromium. Without one it says what is missing and ends with 0; with
// --strict, or LIMMAT_STRICT=1, a missing Chromium is a failure. LIMMAT_CHROMIUM names another one.

import { spawn, spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

import { browserBundle, browserJob, EXPECTED_VERDICTS } from '../support/browser-bundle.ts';
import type { BrowserAnswers } from '../support/browser-entry.ts';
import { Lane, laneNotRun } from './report.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const TIMEOUT_MILLIS = 120_000;
/** Largest answer: a list of names and a dozen verdicts. */
const MAX_ANSWER_BYTES = 256 * 1024;
/** What the project has to reach with JavaScript alone (bench: verify-portable), and four times that for a busy machine. */
const MAX_MILLIS = 60;

function chromium(): string | undefined {
  const given = process.env['LIMMAT_CHROMIUM'];
  const names = given === undefined ? NAMES : [given];
  return names.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore', timeout: 30_000 }).status === 0);
}

/** The answers of the page that a fresh Chromium opened. */
async function runIn(browser: string): Promise<BrowserAnswers & { readonly userAgent: string }> {
  const [{ script }, job] = await Promise.all([browserBundle(), browserJob()]);
  const page = `<!doctype html><meta charset="utf-8"><title>limmat</title><script src="/limmat.js"></script><script>
    const answer = (value) => fetch('/answer', { method: 'POST', body: JSON.stringify(value) });
    verifier.check(${JSON.stringify(job)}).then(
      (answers) => answer({ ...answers, userAgent: navigator.userAgent }),
      (error) => answer({ error: String(error?.stack ?? error) }),
    );</script>`;
  const answers = new EventEmitter();
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => {
        body += text;
        if (body.length > MAX_ANSWER_BYTES) request.destroy();
      });
      request.on('end', () => {
        response.writeHead(204).end();
        answers.emit('answer', body);
      });
      return;
    }
    const isScript = request.url === '/limmat.js';
    const type = isScript ? 'text/javascript; charset=utf-8' : 'text/html; charset=utf-8';
    // What pages of limmat allow themselves: nothing from elsewhere, no eval.
    const policy = "default-src 'none'; connect-src 'self'; script-src 'self' 'unsafe-inline'";
    response.writeHead(200, { 'content-type': type, 'content-security-policy': policy });
    response.end(isScript ? script : page);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const profile = mkdtempSync(join(tmpdir(), 'limmat-chromium-'));
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'];
  const child = spawn(browser, [...flags, `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const closed = once(child, 'close');
  const failed = closed.then((): never => {
    throw new Error(`Chromium ended with ${child.exitCode}\n${said.slice(-2000)}`);
  });
  try {
    const answered = once(answers, 'answer', { signal: AbortSignal.timeout(TIMEOUT_MILLIS) });
    const [body]: string[] = await Promise.race([answered, failed]);
    const answer: (BrowserAnswers & { userAgent: string }) | { error: string } = JSON.parse(body ?? '');
    if ('error' in answer) throw new Error(answer.error);
    return answer;
  } finally {
    failed.catch(() => undefined);
    child.kill();
    await closed;
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function main(): Promise<void> {
  const browser = chromium();
  if (browser === undefined) {
    laneNotRun('browser', `there is no Chromium (${NAMES.join(', ')}): install one, or name it in LIMMAT_CHROMIUM`);
    if (process.argv.includes('--strict') || process.env['LIMMAT_STRICT'] === '1') process.exitCode = 1;
    return;
  }
  const lane = new Lane('browser');
  let answers: Awaited<ReturnType<typeof runIn>> | undefined;
  await lane.check('Chromium runs the package’s index under a policy without eval', async () => {
    answers = await runIn(browser);
    if (!/Chrome\//.test(answers.userAgent)) throw new Error(`this is ${answers.userAgent}`);
  });
  for (const [what, expected] of Object.entries(EXPECTED_VERDICTS)) {
    await lane.check(`a proof file, ${what}: ${expected}`, () => {
      const found = answers?.verdicts[what];
      if (found !== expected) throw new Error(`it says ${found}`);
    });
  }
  await lane.check('the witnesses are those that Node counts', () => {
    if (!isDeepStrictEqual(answers?.witnesses, ['A', 'B']))
      throw new Error(`they are ${answers?.witnesses.join(', ')}`);
  });
  await lane.check(`a verification takes ${answers?.millis.toFixed(1)} ms`, () => {
    if (!(answers !== undefined && answers.millis < MAX_MILLIS)) throw new Error(`more than ${MAX_MILLIS} ms`);
  });
  lane.finish();
}

await main();
