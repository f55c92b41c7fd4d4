// A record's fields as lines for people: every fact on a line of its own, named in words.

import type { Json } from './form.ts';

/** {"a": {"bC": 1}, "d": ["x", "y"]} → [["a, b c", "1"], ["d", "x, y"]]. Texts are as they are: escape them for a page. */
export function factsOf(json: Json, path = ''): [words: string, value: string][] {
  if (Array.isArray(json)) {
    if (json.every((item) => typeof item !== 'object')) return [[path, json.join(', ')]];
    return json.flatMap((item: Json, i) => factsOf(item, json.length === 1 ? path : `${path} ${i + 1}`));
  }
  if (typeof json !== 'object') return [[path, String(json)]];
  return Object.entries(json).flatMap(([name, value]) => {
    const words = nameInWords(name);
    return factsOf(value, path === '' ? words : `${path}, ${words}`);
  });
}

/** `relocationId` → `relocation id`. */
function nameInWords(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
