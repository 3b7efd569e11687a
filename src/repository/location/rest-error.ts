import { LifeboatError } from '../../core/index.ts';
import type { HttpAnswer } from './http/http-transport.ts';
import { retryAfter } from './retry-pauses.ts';

/** What a status that is no success means. `attempted` must hold no credentials. */
export function restError(answer: HttpAnswer, attempted: string): LifeboatError {
  const { status } = answer;
  const message = `${attempted}: the server answered ${status}`;
  if (status === 404) return new LifeboatError('location.file-missing', message);
  if (status === 507 || status === 413) {
    return new LifeboatError('disk.full', message, {
      hint: 'The server has no space left, or its quota is used up. Nothing acknowledged is lost.',
      retryable: true,
    });
  }
  // 400: the bytes that arrived do not match their name, so they were damaged on their way.
  if (status >= 500 || [400, 408, 425, 429].includes(status)) {
    return new LifeboatError('location.unreachable', message, {
      hint: "Look at the server's own log. Trying again is safe.",
      retryable: true,
      context: retryAfter(answer.header('retry-after')),
    });
  }
  return new LifeboatError('location.refused', message, { hint: refusalHint(status) });
}

/** The file is shorter than what was asked for. */
export function endsEarly(attempted: string): LifeboatError {
  return new LifeboatError('repository.damaged', `${attempted}: the file ends early`, {
    hint: 'Run `lifeboat check` to see what is affected.',
  });
}

/** Servers with `--append-only` answer so to every removal but that of a lock. */
export function keepsForEver(attempted: string): LifeboatError {
  return new LifeboatError('location.refused', `${attempted}: the server lets nothing be removed`, {
    hint: 'It is append-only, as it should be for backups. Forget and prune with an account, or on a server, that may remove.',
  });
}

/** There is a config, and there can be only one. */
export function existsAlready(attempted: string): LifeboatError {
  return new LifeboatError('location.refused', `${attempted}: it exists already`, {
    hint: 'Open the repository that is there, or choose another place.',
  });
}

/** A hash-named file stands there, and what was to be written is not the same. */
export function otherBytes(attempted: string): LifeboatError {
  return new LifeboatError(
    'location.refused',
    `${attempted}: other bytes of that name are there, and are not replaced`,
    {
      hint: 'Run `lifeboat check`. A damaged file that is named there must be removed at the place before the command is run again.',
    },
  );
}

/** The server answered, but not in the protocol. */
export function damagedRest(attempted: string, cause?: unknown): LifeboatError {
  return new LifeboatError('location.refused', `${attempted}: not an answer of a REST server`, {
    hint: 'See that the address is the one of a restic REST server, and what stands in between.',
    cause,
  });
}

function refusalHint(status: number): string {
  if (status === 401) return 'Give the user name and password that the server wants.';
  if (status === 403) {
    return 'The server may be append-only, or keep this path for another user. Append-only servers let nothing but locks be removed.';
  }
  if (status >= 300 && status < 400) return 'Give the address that the server redirects to.';
  return 'See that the address is the one of a restic REST server.';
}
