// As much of curl as the documentation uses, so that its lines run on a machine without: -sSf, -H, -o, --data-binary.

import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    silent: { type: 'boolean', short: 's' },
    'show-error': { type: 'boolean', short: 'S' },
    fail: { type: 'boolean', short: 'f' },
    header: { type: 'string', short: 'H', multiple: true },
    output: { type: 'string', short: 'o' },
    'data-binary': { type: 'string' },
  },
});

const [url, ...others] = positionals;
if (url === undefined || others.length > 0) throw new Error('one URL, please');
const data = values['data-binary'];
if (data !== undefined && !data.startsWith('@')) throw new Error('--data-binary takes @FILE here');
// curl's own content type for data, unless another is given: the log must not mind it.
const headers = new Headers(data === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' });
for (const line of values.header ?? []) {
  const colon = line.indexOf(':');
  headers.set(line.slice(0, colon), line.slice(colon + 1).trim());
}
const response = await fetch(url, {
  headers,
  ...(data === undefined ? {} : { method: 'POST', body: readFileSync(data.slice(1)) }),
});
const body = new Uint8Array(await response.arrayBuffer());
if (values.fail === true && !response.ok) {
  process.stderr.write(`curl: (22) the server answered ${response.status}\n`);
  process.exitCode = 22;
} else if (values.output === undefined) process.stdout.write(body);
else writeFileSync(values.output, body);
