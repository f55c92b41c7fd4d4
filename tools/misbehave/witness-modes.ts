// The lies for which a log has a witness, which its trust file names and asks for: one that cosigns whatever it is given, and
// a log that goes on without it.

import { parseNote } from '../../src/note/note.ts';
import type { CheckpointSigner } from '../../src/note/signer.ts';
import { concat, utf8 } from '../../src/bytes.ts';
import { changed } from './answers.ts';
import type { LieMode, Stage } from './modes.ts';

/** The answer with the witness's line on it, where it is a checkpoint: it signs every one, without a look. */
export async function cosigned(
  path: string,
  answer: Promise<Response>,
  witness: CheckpointSigner,
  nowSeconds: number,
): Promise<Response> {
  const response = await answer;
  if (path !== 'checkpoint' || response.status !== 200) return response;
  const note = new Uint8Array(await response.clone().arrayBuffer());
  const line = await witness.sign(parseNote(note).text, nowSeconds);
  return changed(response, (body) => concat(body, utf8(line)));
}

/** The history with other entries from stage.forkAt on. */
export function rewritten({
  leaves,
  forkAt,
  instead,
}: Pick<Stage, 'leaves' | 'forkAt' | 'instead'>): readonly Uint8Array[] {
  return [...leaves.slice(0, forkAt), ...instead, ...leaves.slice(forkAt + instead.length)];
}

export const WITNESS_ROWS = [
  {
    name: 'two-faced-witness',
    lie: 'rewrites an entry that it had published, and has its witness cosign the new history as it did the old one',
    begins: 'witnessed',
    begin: async (stage) => {
      const other = await stage.branch(rewritten(stage), true);
      return ({ path, request }) => cosigned(path, other.answer(request), stage.witness, stage.nowSeconds());
    },
  },
  {
    name: 'uncosigned',
    lie: 'goes on without the witness that its users ask for',
    begins: 'witnessed',
    begin:
      async () =>
      ({ truth }) =>
        truth(),
  },
] as const satisfies readonly LieMode[];
