import { describe, expect, test } from 'vitest';

import { RECORD_TYPES, schemaText, summaryOf } from '../../src/record/index.ts';
import { limmat } from '../support/run-limmat.ts';

describe('limmat schema', () => {
  test('lists the types, each with what it says', async () => {
    const { code, stdout } = await limmat('schema');
    expect(code).toBe(0);
    for (const type of RECORD_TYPES) expect(stdout).toMatch(new RegExp(`^${type} +[A-Z]`, 'm'));
    const json = await limmat('schema', '--json');
    expect(JSON.parse(json.stdout)).toEqual({
      types: RECORD_TYPES.map((type) => ({ type, description: summaryOf(type) })),
    });
  });

  test.each(RECORD_TYPES)('%s prints its schema, on one line with --json', async (type) => {
    expect(await limmat('schema', type)).toEqual({ code: 0, stdout: schemaText(type), stderr: '' });
    const { stdout } = await limmat('schema', type, '--json');
    expect(stdout.trimEnd()).not.toContain('\n');
    expect(JSON.parse(stdout)).toEqual(JSON.parse(schemaText(type)));
  });

  test('knows no other types', async () => {
    const { code, stderr } = await limmat('schema', 'treaty');
    expect(code).toBe(2);
    expect(stderr).toContain('treaty');
  });
});
