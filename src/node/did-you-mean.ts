// Guessing what a mistyped name was meant to be.

/** Names further away than this are not what was meant; a third of the name may be wrong. */
function reach(name: string): number {
  return Math.max(1, Math.floor(name.length / 3));
}

/** Insertions, deletions and substitutions from a to b (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const letter of a) {
    let diagonal = row[0] ?? 0;
    let left = diagonal + 1;
    const next = [left];
    for (const [j, above] of row.slice(1).entries()) {
      left = Math.min(above + 1, left + 1, diagonal + (letter === b[j] ? 0 : 1));
      diagonal = above;
      next.push(left);
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** The known name closest to this one, or undefined when none is close. */
export function closest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = reach(name) + 1;
  for (const candidate of known) {
    const steps = distance(name.toLowerCase(), candidate.toLowerCase());
    if (steps < bestDistance) {
      best = candidate;
      bestDistance = steps;
    }
  }
  return best;
}

/** ": did you mean X?", or nothing; to be put behind a message. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const guess = closest(name, known);
  return guess === undefined ? '' : `: did you mean ${guess}?`;
}
