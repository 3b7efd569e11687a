// server: finding PostgreSQL's own programs and running servers of our own with them.

export {
  chooseServerAccount,
  firstClosedFolder,
  giveTo,
  giveTreeTo,
  type ServerAccount,
} from './account.ts';
export { type AskSingleUserOptions, askSingleUser } from './ask-single-user.ts';
export { findServerPrograms, type ServerPrograms } from './find-server-programs.ts';
export { type InitClusterOptions, initCluster } from './init-cluster.ts';
export { identifyProcess, isAlive } from './process-identity.ts';
export { createRunFolder, type RunFolder } from './run-folder.ts';
export { type RunningServer, type RunServerOptions, runServer } from './run-server.ts';
export { createScratchFolder, removeScratchFolder } from './scratch-folder.ts';
export type { ServerLog } from './server-log.ts';
export { sweepScratch } from './sweep-scratch.ts';
