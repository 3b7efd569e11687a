import { isMainThread } from 'node:worker_threads';
import { type EnvelopeCalls, openSslEnvelope } from '../native/openssl-envelope.ts';
import { agreesWithNode } from './envelope-self-test.ts';

let calls: EnvelopeCalls | null | undefined;
let bytesAsked = 0;
/** To open a repository takes less: loading pays off only for what follows. */
const bytesBeforeLoading = 4 * 1024 * 1024;
/** The least that a call counts for. */
const bytesPerCall = 16 * 1024;

/**
 * OpenSSL's own calls once this thread has work enough for them, and when they agree with Node's documented ones
 * (they are exported, but nothing promises it): a self-test at the first use decides.
 */
export function envelopeCalls(bytes: number): EnvelopeCalls | undefined {
  if (calls === undefined) {
    bytesAsked += bytes + bytesPerCall;
    if (bytesAsked < bytesBeforeLoading) return undefined;
    calls = load();
  }
  return calls ?? undefined;
}

function load(): EnvelopeCalls | null {
  const found = openSslEnvelope();
  if (found === undefined) return null;
  if (!isMainThread) process.once('exit', () => found.free());
  return agreesWithNode(found) ? found : null;
}
