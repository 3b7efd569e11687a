// dump: PostgreSQL's own logical dumps, made and loaded with its own programs.
export {
  type ClientProgram,
  type ClientProgramOptions,
  runClientProgram,
  startClientProgram,
} from './client-program.ts';
export { quoteConnectionValue } from './connection-value.ts';
export { type DumpDocument, readDumpDocument } from './dump-document.ts';
export { DumpSource, type DumpSourceSettings } from './dump-source.ts';
export { type ClientPrograms, findClientPrograms } from './find-client-programs.ts';
export { type DumpOrigin, pipeDump } from './pipe-dump.ts';
