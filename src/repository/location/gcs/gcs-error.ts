import { LifeboatError } from '../../../core/index.ts';
import type { HttpAnswer } from '../http/http-transport.ts';
import { retryAfter } from '../retry-pauses.ts';

/** What a status that is no success means, with Google's own words. */
export function gcsError(answer: HttpAnswer, attempted: string): LifeboatError {
  const { status } = answer;
  const { words, reason } = problemOf(answer.body);
  const message = `${attempted}: ${words === '' ? `Google answered ${status}` : `${words} (${status})`}`;
  if (status === 404) {
    return new LifeboatError('location.file-missing', message, {
      hint: 'See that the bucket exists and is spelled right. Lifeboat makes no buckets.',
    });
  }
  // 400 with this reason: what arrived does not have the MD5 that was announced.
  const damagedOnItsWay = status === 400 && /md5|hash|digest/i.test(words);
  const busy = status === 403 && /rateLimitExceeded/i.test(reason);
  if (status >= 500 || damagedOnItsWay || busy || [408, 429].includes(status)) {
    return new LifeboatError('location.unreachable', message, {
      hint: 'Trying again is safe.',
      retryable: true,
      context: retryAfter(answer.header('retry-after')),
    });
  }
  return new LifeboatError('location.refused', message, { hint: refusalHint(status) });
}

function refusalHint(status: number): string {
  if (status === 401) {
    return 'The credentials were not accepted. See that the key of the service account still exists and that the clock of this host is right.';
  }
  if (status === 403) {
    return 'The service account lacks a permission on the bucket, or a retention policy keeps the object. docs/guide/locations-gs.md lists what is needed.';
  }
  return 'See that the address is the one of a bucket: gs:BUCKET:/PREFIX.';
}

interface Problem {
  readonly words: string;
  readonly reason: string;
}

function problemOf(body: Uint8Array): Problem {
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString().slice(0, 10_000);
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    const { message, errors } = (error ?? {}) as { message?: unknown; errors?: unknown };
    const [first] = Array.isArray(errors) ? (errors as { reason?: unknown }[]) : [];
    return {
      words: typeof message === 'string' ? oneLine(message) : '',
      reason: typeof first?.reason === 'string' ? first.reason : '',
    };
  } catch {
    return { words: /^[^<{]/.test(text) ? oneLine(text) : '', reason: '' };
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 300);
}
