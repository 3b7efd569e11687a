// core: what everything else stands on. Depends on nothing of ours.
export { cancelled, sleep, throwIfAborted } from './abort.ts';
export { type BootTime, bootId, bootTime, sinceThen } from './boot-time.ts';
export { formatBytes } from './byte-size.ts';
export { copyBytes } from './copy-bytes.ts';
export { formatCount } from './count.ts';
export { deniedHint } from './denied.ts';
export { syncFolder, writeFileDurably } from './durable-file.ts';
export { formatDuration } from './duration.ts';
export { type ErrorCode, errorCodes } from './error-codes.ts';
export {
  assert,
  type ErrorContext,
  type ErrorDetails,
  ExitCode,
  fileError,
  isLifeboatError,
  LifeboatError,
} from './errors.ts';
export { type Progress, type ProgressEvent, silentProgress } from './events.ts';
export { bindForeign, endThread } from './foreign-calls.ts';
export { giveBack } from './give-back.ts';
export {
  hideKnownSecrets,
  hideSecrets,
  hideSecretsWithin,
  isKnownSecret,
  rememberSecret,
} from './hide-secrets.ts';
export { Secret } from './secret.ts';
export { concealInText, concealSecretArguments } from './secret-arguments.ts';
export { steadyNow } from './steady-now.ts';
export { Turn } from './turn.ts';
export { loadKernel, type WasmKernel } from './wasm-kernel.ts';
