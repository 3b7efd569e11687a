import { open, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../../../core/index.ts';
import type { Finding } from '../../source.ts';
import { ok, warning } from './finding.ts';
import type { ServerFacts } from './server-facts.ts';

const shareMax = 0.8;

/**
 * The room where the server keeps its WAL, when its data directory is on this machine and can be read: the same path elsewhere may be
 * another cluster's, so its own identifier decides. Undefined when it cannot be known.
 */
export async function judgeDataFolder(facts: ServerFacts): Promise<Finding | undefined> {
  const { dataFolder, systemId, slotWalKeepMb, slot } = facts;
  if (dataFolder === null || (await readSystemId(dataFolder)) !== systemId) return undefined;
  const room = await statfs(join(dataFolder, 'pg_wal')).catch(() => undefined);
  if (!room) return undefined;
  const freeBytes = room.bavail * room.bsize;
  const fact = `${formatBytes(freeBytes)} free where the server keeps its WAL`;
  // That there is no limit is a finding of its own.
  if (slotWalKeepMb === -1) return ok('room of the server', fact);
  const moreBytes = slotWalKeepMb * 2 ** 20 - (slot?.heldBytes ?? 0);
  if (moreBytes <= freeBytes) return ok('room of the server', fact);
  const keepMb = Math.floor(((freeBytes + (slot?.heldBytes ?? 0)) * shareMax) / 2 ** 20);
  return warning(
    'room of the server',
    `${fact}, and the slot may hold back ${formatBytes(moreBytes)} more`,
    `As a superuser: ALTER SYSTEM SET max_slot_wal_keep_size = '${keepMb}MB'; SELECT pg_reload_conf();`,
  );
}

/** The first eight bytes of pg_control, in the byte order of the machine that runs the server: this one. */
async function readSystemId(dataFolder: string): Promise<string | undefined> {
  try {
    await using file = await open(join(dataFolder, 'global/pg_control'));
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
    return bytesRead === 8 ? buffer.readBigUInt64LE().toString() : undefined;
  } catch {
    return undefined;
  }
}
