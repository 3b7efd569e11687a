import { crc32c } from '../../src/wal/index.ts';

/** A `pg_control` with its checksum after 288 bytes, as that of PostgreSQL 15. */
export function controlFile(systemId: bigint, order: 'LE' | 'BE' = 'LE'): Buffer {
  const bytes = Buffer.alloc(8192);
  bytes[`writeBigUInt64${order}`](systemId, 0);
  bytes[`writeUInt32${order}`](1300, 8);
  bytes[`writeUInt32${order}`](crc32c(bytes.subarray(0, 288)), 288);
  return bytes;
}
