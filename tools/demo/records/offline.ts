// What a customer can tell without the log: which release is the newest, which must not be used, and that somebody keeps
// it on an old one. All it has is a channel head that the log signed, and the trust file.

import { nodeCrypto, nodeHasher } from '../../../src/adapters/node-crypto.ts';
import { checkChannel, openChannel } from '../../../src/client/channel-check.ts';
import { NO_CHANNELS } from '../../../src/client/channel-state.ts';
import type { RememberedChannels } from '../../../src/client/channel-state.ts';
import { httpReader } from '../../../src/client/http-reader.ts';
import { verifyProofFile } from '../../../src/client/verify.ts';
import type { VerifiedProof } from '../../../src/client/verify.ts';
import { readSecretFile } from '../../../src/node/secret-file.ts';
import { MAX_CHANNEL_HEAD_BYTES, channelHeadSigner, readChannelHeadNote } from '../../../src/note/channel-head.ts';
import { channelHeadPath, channelPlace } from '../../../src/record/channel.ts';
import { formatTime } from '../../../src/record/time.ts';
import { formatBytes } from '../../support/progress.ts';
import { mustBe, tell, tellGood, tellRefusal } from '../tell.ts';
import { releaseFile, releaseRecord, tellLogged } from './admission.ts';
import { VENDOR, sha256 } from './scene.ts';
import type { Logged, Scene } from './scene.ts';

const DAY_SECONDS = 86_400;

/** What a customer holds. */
export interface Customer {
  readonly channelHeadFile: Uint8Array;
  readonly recalled: Logged;
  readonly newest: Logged;
}

/** A release is recalled, and a customer fetches the head of its channel while the log is still there. */
export async function recall(scene: Scene, recalled: Logged, newest: Logged): Promise<Customer> {
  const fields = {
    target: recalled.leafHash,
    kind: 'recall',
    reason: 'malfunction',
    customerAction: 'update',
  } as const;
  tellLogged(await scene.add({ type: 'retraction', namespace: VENDOR, fields }));
  const { channel } = channelPlace(releaseRecord(5, undefined, 1), newest.index)!;
  const channelHeadFile = await httpReader({ url: scene.url }).resource(
    channelHeadPath(channel),
    MAX_CHANNEL_HEAD_BYTES,
  );
  const { head } = readChannelHeadNote(channelHeadFile);
  mustBe(head.sequence === 5 && head.minimumSequence === 5, 'the channel head names release 5 and nothing below');
  tell(
    `A customer fetches the head of the channel, ${formatBytes(channelHeadFile.length)}: newest is ${head.sequence}, nothing below ${head.minimumSequence} may be used, to be believed until ${formatTime(head.validUntilSeconds)}.`,
  );
  return { channelHeadFile, recalled, newest };
}

/** The log is switched off; what the customer is offered is judged by what it has. */
export async function tellOffline(scene: Scene, { channelHeadFile, recalled, newest }: Customer): Promise<void> {
  const open = (file: Uint8Array, remembered: RememberedChannels, nowSeconds?: number) =>
    openChannel({
      channelHeadFile: file,
      origin: scene.origin,
      trust: scene.trust,
      remembered,
      crypto: nodeCrypto,
      ...(nowSeconds !== undefined && { nowSeconds }),
    });
  const { current, remembered } = await open(channelHeadFile, NO_CHANNELS);
  const { standing } = checkChannel(await offered(scene, newest, 5), current);
  mustBe(standing === 'newest', 'release 5 is the newest');
  tellGood('release 5: its proof holds, and it is the newest of its channel');
  const old = await offered(scene, recalled, 4);
  tell(
    `Release 4 is offered, with its proof, which holds: entry ${old.index} of ${old.head.size}, signed by ${old.issuer.iss}.`,
  );
  await tellRefusal('release 4', { code: 'below-minimum', says: /below 5/ }, () =>
    Promise.resolve().then(() => checkChannel(old, current)),
  );
  const signer = channelHeadSigner(readSecretFile(scene.paths.channelKey).trim(), nodeCrypto);
  const { index, leafHash } = old;
  const issuedSeconds = current.issuedSeconds + 60;
  const lie = { ...current, index, leafHash, sequence: 4, minimumSequence: 0, issuedSeconds };
  const { size, rootHash } = old.head;
  const back = await signer.sign({ ...lie, size, rootHash });
  await tellRefusal(
    "a later head, signed with the log's own stolen key, of the smaller tree in which release 4 was the newest",
    { code: 'channel-rollback', says: /./ },
    () => open(back, remembered, issuedSeconds),
  );
  const forged = await signer.sign(lie);
  await tellRefusal(
    'the same of the larger tree, which would convict the log',
    { code: 'false-channel-head', says: /sequence 5/ },
    () => open(forged, remembered, issuedSeconds),
  );
  await tellRefusal(
    'no newer head for two days, so that nobody hears of release 6',
    { code: 'channel-expired', says: /get a newer one/ },
    () => open(channelHeadFile, remembered, current.issuedSeconds + 2 * DAY_SECONDS),
  );
}

/** A release as somebody offers it: file and proof. */
function offered(scene: Scene, release: Logged, sequence: number): Promise<VerifiedProof> {
  return verifyProofFile({
    proofFile: release.proofFile,
    artifactSha256: sha256(releaseFile(sequence)),
    trust: scene.trust,
    expected: { type: ['avdb-release'], namespace: [VENDOR] },
    crypto: nodeCrypto,
    hasher: nodeHasher,
  });
}
