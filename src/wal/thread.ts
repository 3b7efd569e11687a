// wal, for worker threads of other folders: what they need, and nothing else.
export { crc32c } from './crc32c.ts';
